"""Every check of what users pass, in one namespace: ``from .._input import checks as check``."""

from .arrays import as_matrix, as_values, too_small_error
from .doubtful_columns import numbers_of_rows, warn_of_columns, warn_of_spreads
from .errors import (
    ColumnsWarning,
    ConvergenceWarning,
    NotFittedError,
    compatible,
    shortened,
    warn,
    with_type,
)
from .fitted import (
    absent_error,
    check_feature_count,
    check_feature_names,
    check_fitted,
    check_input_features,
    check_ours,
    check_plain,
    feature_count,
    fitted_array,
    fitted_centers,
    fitted_tree,
    is_tree,
)
from .magnitudes import (
    MAX_ABS,
    MAX_UNIT,
    MIN_SPAN,
    check_products,
    check_span,
    empty_column_error,
    empty_row_error,
    nonfinite_error,
)
from .parameters import (
    ANY_COUNT,
    COUNTS,
    KMEANS_METRICS,
    METRICS,
    MISSING,
    check_bool,
    check_euclidean,
    check_int,
    check_max_time,
    check_n_clusters,
    check_n_init,
    check_name,
    check_positive,
    check_refine,
    check_share,
    check_shared_params,
    check_threads,
    check_tol,
    check_verbose,
    check_watching,
    checks_of_kmeans,
)
from .random_states import check_random_state, one_source, seeded, seeds
from .real_numbers import EXACT, first_true, warn_if_rounded
from .tables import string_names
from .weights_and_centers import as_centers, as_weights, check_directions
