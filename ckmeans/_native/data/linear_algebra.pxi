# Products and eigenvectors of small matrices on the calling thread: BLAS and LAPACK would start
# their own threads.

def product(a, b):
    """Matrix product in pieces so small that BLAS computes them on this thread: its own threads
    would keep spinning beside those of the crew.
    """
    out = np.empty((len(a), b.shape[1]))
    work = 200_000 // a.shape[1]
    if len(a) >= b.shape[1]:
        step = max(1, work // b.shape[1])
        for i in range(0, len(a), step):
            np.matmul(a[i:i + step], b, out=out[i:i + step])
    else:
        step = max(1, work // len(a))
        for i in range(0, b.shape[1], step):
            out[:, i:i + step] = a @ b[:, i:i + step]
    return out


def eigen(symmetric):
    """Eigenvalues (n,), ascending, and eigenvectors (n, n), in columns, of a small symmetric
    matrix, by Jacobi's rotations.

    Good to about 1e-10. LAPACK would wake the threads of BLAS from n = 26 on, and take a hundred
    times as long where a core is busy.
    """
    cdef cnp.ndarray a_ = np.array(symmetric, dtype=np.float64, order="C")
    cdef cnp.ndarray v_ = np.eye(len(symmetric))
    cdef Py_ssize_t n = a_.shape[0], p, q, i
    cdef double *a = <double *>cnp.PyArray_DATA(a_)
    cdef double *v = <double *>cnp.PyArray_DATA(v_)       # vectors in rows
    cdef double largest = 0, far = INFINITY, near, angle, t, c, s
    cdef int sweep = 0
    for i in range(n):
        largest = max(largest, fabs(a[i * n + i]))
    while far > 1e-10 * largest and sweep < 30:
        far = 0
        sweep += 1
        for p in range(n):
            for q in range(p + 1, n):
                near = a[p * n + q]
                far = max(far, fabs(near))
                if fabs(near) <= 1e-12 * largest:
                    continue
                angle = (a[q * n + q] - a[p * n + p]) / (2 * near)
                t = (1 if angle >= 0 else -1) / (fabs(angle) + sqrt(angle * angle + 1))
                c = 1 / sqrt(t * t + 1)
                s = t * c
                turn_pair(a + p * n, a + q * n, n, 1, c, s)
                turn_pair(a + p, a + q, n, n, c, s)
                turn_pair(v + p * n, v + q * n, n, 1, c, s)
    values = a_.diagonal().copy()
    order = np.argsort(values)
    return values[order], v_[order].T


cdef inline void turn_pair(double *x, double *y, Py_ssize_t n, Py_ssize_t stride, double c,
                           double s) noexcept nogil:
    cdef Py_ssize_t i
    cdef double old
    for i in range(n):
        old = x[i * stride]
        x[i * stride] = c * old - s * y[i * stride]
        y[i * stride] = s * old + c * y[i * stride]
