import subprocess
import sys


def test_help_loads_no_numbers():
    # What keeps `isthmus --help` quick: NumPy and all above it are loaded on use only.
    code = (
        "import sys; from isthmus.cli.main import run; code = run(['--help']); "
        "assert 'numpy' not in sys.modules, 'numpy'; sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "report" in result.stdout
