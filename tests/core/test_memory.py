import pytest

from isthmus.core import ValueOutOfRange, memory


def test_a_container_limit_counts(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert memory._of_container(tmp_path) == 600
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 250\nactive_file 9\n")
    assert memory._of_container(tmp_path) == 850  # cached files give way


def test_a_container_without_a_limit(tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert memory._of_container(tmp_path) is None
    assert memory._of_container(tmp_path / "nowhere") is None


def test_the_older_layout_of_containers(tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text("100")
    (tmp_path / "memory/memory.usage_in_bytes").write_text("130")
    assert memory._of_container(tmp_path) == 0


def test_the_least_counts_and_unknown_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "_of_machine", lambda: 70)
    monkeypatch.setattr(memory, "_of_container", lambda root: 50)
    assert memory.available_memory() == 50
    memory.check_memory("f(n=...)", 3, 50, "Use less.")
    with pytest.raises(ValueOutOfRange, match="`f.n=...+` must fit .* got 3.* Use less."):
        memory.check_memory("f(n=...)", 3, 51, "Use less.")
    monkeypatch.setattr(memory, "_of_machine", lambda: None)
    monkeypatch.setattr(memory, "_of_container", lambda root: None)
    assert memory.available_memory() is None
    memory.check_memory("f(n=...)", 3, 10**30, "Use less.")


def test_this_machine_has_some():
    assert memory._of_machine() is None or memory._of_machine() > 10**6
