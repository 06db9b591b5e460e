"""Whose results the cache between workflows holds."""

import shared_cache
from shared_cache import separate_by_software


def folder_of(monkeypatch, cache, **versions) -> str:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    monkeypatch.setattr(shared_cache, "installed_software", lambda: versions)
    separate_by_software()
    found = shared_cache.os.environ["SNAKEMAKE_OUTPUT_CACHE"]
    separate_by_software()
    assert shared_cache.os.environ["SNAKEMAKE_OUTPUT_CACHE"] == found
    return found


def test_other_versions_of_the_software_have_another_folder(monkeypatch, tmp_path):
    made = folder_of(monkeypatch, tmp_path, numpy="2.4.0", python="3.12.1")
    assert made.startswith(f"{tmp_path}/flowpose-")
    assert folder_of(monkeypatch, tmp_path, numpy="2.4.1", python="3.12.1") != made
    assert folder_of(monkeypatch, tmp_path, python="3.12.1", numpy="2.4.0") == made


def test_without_a_cache_nothing_is_made(monkeypatch, tmp_path):
    monkeypatch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    separate_by_software()
    assert "SNAKEMAKE_OUTPUT_CACHE" not in shared_cache.os.environ
    assert not list(tmp_path.iterdir())
    missing = tmp_path / "missing"
    assert folder_of(monkeypatch, missing, numpy="1") == str(missing) and not missing.exists()
