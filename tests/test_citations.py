import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_cited_keys_exist():
    bib = set(re.findall(r"@\w+\{([^,]+),", (ROOT / "docs/references.bib").read_text()))
    cited = set()
    for file in (ROOT / "src").rglob("*.py"):
        cited |= set(re.findall(r"[\[\"]([a-z]+:\d\d[a-z]?)[\]\",]", file.read_text()))
    assert len(cited) >= 5
    assert cited == bib, cited ^ bib
