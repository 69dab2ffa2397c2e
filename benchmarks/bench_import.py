"""Start-up: import and help, against bare Python and NumPy in the same run."""

import subprocess
import sys

from harness import median_seconds, write


def main() -> None:
    def run(*arguments: str) -> float:
        command = [sys.executable, *arguments]
        return median_seconds(
            lambda: subprocess.run(command, check=True, capture_output=True), repeats=15
        )

    bare, numpy = run("-c", "pass"), run("-c", "import numpy")
    write(
        "import",
        {
            "bare_python_s": bare,
            "import_numpy_s": numpy,
            "import_isthmus_s": run("-c", "import isthmus"),
            "import_isthmus_limits_s": run("-c", "import isthmus.limits"),
            "import_typer_s": run("-c", "import typer"),
            "help_s": run("-m", "isthmus", "--help"),
        },
    )


if __name__ == "__main__":
    main()
