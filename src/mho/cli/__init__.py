"""The command line: one file a command. Nothing here imports torch until a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_given: list[str] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mho`` and return its exit code: 0, 2 for what the user can put right, 130 when interrupted."""
    from cyclopts import CycloptsError

    from mho.cli.app import app
    from mho.errors import MhoError

    _given[:] = sys.argv[1:] if arguments is None else arguments
    try:
        app(_given, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except MhoError as error:
        return _say(str(error))
    except CycloptsError as error:
        return _say(" ".join(str(error).split()) + _choices(error) + " (mho --help lists the commands and options)")
    except KeyboardInterrupt:
        print("mho: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; let Python not complain about it at exit.
        _drop_output()
        return 0
    except OSError as error:  # the output is on a full disk, a folder is closed: for the user to put right
        _drop_output()
        return _say(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    except Exception as error:  # a traceback helps nobody at a prompt
        if os.environ.get("MHO_DEBUG"):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        print(f"mho: internal error ({said}); MHO_DEBUG=1 shows where. Please report it.", file=sys.stderr)
        return 1
    return 0


def command_line() -> str:
    """The command that runs, as a shell takes it: what reproduces a report."""
    import shlex

    return shlex.join(["mho", *_given])


def _choices(error: Exception) -> str:
    """What an option takes that was given nothing."""
    from cyclopts import MissingArgumentError

    argument = error.argument if isinstance(error, MissingArgumentError) else None
    names = argument.get_choices() if argument is not None else None
    return f" Choose from: {', '.join(names)}." if names else ""


def _say(message: str) -> int:
    print("\n".join(f"mho: {line}" for line in message.splitlines()), file=sys.stderr)
    return 2


def _drop_output() -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # captured output has no descriptor
        return


def entry() -> None:
    """Entry point of the installed command."""
    for stream in (sys.stdout, sys.stderr):
        # Tables have lines and signs that an ASCII or cp1252 terminal lacks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(main())
