"""``ckmeans completion``: the script by which a shell completes command lines.

It is generated from the parsers, so it has every command and option.
"""

import argparse

from .command import Command

SHELLS = ("bash", "zsh", "fish")


def arguments(parser):
    parser.add_argument("shell", choices=SHELLS, help="the shell to make it for")


def run(args):
    print(_SCRIPTS[args.shell](_known()), end="")


def _known():
    """Command -> (summary, {option: (help, choices, whether a value follows)})."""
    from .commands import COMMANDS, make_parser

    parser = make_parser()
    (subs,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {
        name: (
            COMMANDS[name].summary,
            {
                option: (
                    (action.help or "").replace("%%", "%"),
                    [str(choice) for choice in action.choices or ()],
                    action.nargs != 0,
                )
                for action in sub._actions
                for option in action.option_strings
            },
            [
                str(choice)
                for action in sub._actions
                if not action.option_strings
                for choice in action.choices or ()
            ],
        )
        for name, sub in subs.choices.items()
    }


def _bash(known):
    """Options after a dash, choices after an option that has some, else files."""
    lines = ["_ckmeans() {", '    local cur="${COMP_WORDS[COMP_CWORD]}"']
    lines += ['    local prev="${COMP_WORDS[COMP_CWORD-1]}"', "    COMPREPLY=()"]
    names = " ".join([*known, "--help", "--version"])
    lines += [
        "    if [ $COMP_CWORD -eq 1 ]; then",
        f'        COMPREPLY=($(compgen -W "{names}" -- "$cur"))',
        "        return",
        "    fi",
        '    case "${COMP_WORDS[1]} $prev" in',
    ]
    for name, (_, options, words) in known.items():
        for option, (_, choices, _) in options.items():
            if choices:
                lines.append(
                    f'        "{name} {option}") COMPREPLY=($(compgen -W "{" ".join(choices)}" -- '
                    '"$cur")); return;;'
                )
        if words:
            lines.append(
                f'        "{name} {name}") COMPREPLY=($(compgen -W "{" ".join(words)}" -- '
                '"$cur")); return;;'
            )
    lines += ["    esac", '    case "$cur" in', "        -*) ;;"]
    lines += ['        *) COMPREPLY=($(compgen -f -- "$cur")); return;;', "    esac"]
    lines.append('    case "${COMP_WORDS[1]}" in')
    for name, (_, options, _) in known.items():
        lines.append(f'        {name}) COMPREPLY=($(compgen -W "{" ".join(options)}" -- "$cur"));;')
    lines += ["    esac", "}", "complete -o filenames -F _ckmeans ckmeans", ""]
    return "\n".join(lines)


def _zsh(known):
    """The completion of bash, which zsh runs."""
    return "autoload -Uz bashcompinit && bashcompinit\n" + _bash(known)


def _fish(known):
    lines = ["complete -c ckmeans -n __fish_use_subcommand -l version -d 'show the version'"]
    for name, (summary, options, words) in known.items():
        lines.append(
            f"complete -c ckmeans -f -n __fish_use_subcommand -a {name} -d {_quoted(summary)}"
        )
        here = f"complete -c ckmeans -n '__fish_seen_subcommand_from {name}'"
        for option, (help, choices, takes_value) in options.items():
            kind = "-l" if option.startswith("--") else "-s"
            line = f"{here} {kind} {option.lstrip('-')} -d {_quoted(help)}"
            if takes_value:
                line += f" -x -a {_quoted(' '.join(choices))}" if choices else " -r"
            lines.append(line)
        if words:
            lines.append(f"{here} -f -a {_quoted(' '.join(words))}")
    return "\n".join(lines) + "\n"


def _quoted(text):
    """A text as fish reads it between quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}

COMMAND = Command(
    run,
    arguments,
    "ckmeans completion {bash,zsh,fish}",
    "print completions for a shell",
    examples="""\
  ckmeans completion bash | tee ~/.local/share/bash-completion/completions/ckmeans
  ckmeans completion zsh | tee -a ~/.zshrc
  ckmeans completion fish | tee ~/.config/fish/completions/ckmeans.fish
      the script by which each shell completes commands, options and their values
""",
)
