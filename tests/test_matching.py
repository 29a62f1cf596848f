from __future__ import annotations

import math
import multiprocessing
import shutil
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from autolabel_core.matching import few_documents
from autolabel_core.matching import nearest as matching
from autolabel_core.matching.nearest import (
    ABSENT,
    Nearest,
    nearest,
    nearest_above,
    nearest_among_themselves,
)

ROOT = Path(__file__).parent.parent
MATCHING = ("compilation", "few_documents", "nearest", "proposal_kernels", "score_kernels")


@pytest.fixture(params=["numpy where it is small", "compiled"], scope="module", autouse=True)
def engine(request):
    """Both ways to the same bytes."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "compiled":
            patch.setattr(few_documents, "MAX_PAIRS", -1)
        yield


def unit_rows(seed: int, n: int, d: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def naive_scores(vectors, references, lanes=32):
    """Every score by the documented order of additions: lane j sums the elements j, j + 32, ..."""
    pad = -vectors.shape[1] % lanes
    a = np.pad(vectors.astype(np.float64), ((0, 0), (0, pad)))
    b = np.pad(references.astype(np.float64), ((0, 0), (0, pad)))
    sums = np.zeros((len(a), len(b), lanes))
    for start in range(0, a.shape[1], lanes):
        sums += a[:, None, start : start + lanes] * b[None, :, start : start + lanes]
    while sums.shape[2] > 1:
        half = sums.shape[2] // 2
        sums = sums[:, :, :half] + sums[:, :, half:]
    return sums[:, :, 0].astype(np.float32)


def naive_nearest(vectors, references, k, left_out=None) -> Nearest:
    scores = naive_scores(vectors, references)
    position = np.full((len(vectors), k), -1, np.int32)
    score = np.full((len(vectors), k), ABSENT, np.float32)
    for i, row in enumerate(scores):
        others = [j for j in range(len(row)) if left_out is None or j != left_out[i]]
        ranked = sorted(others, key=lambda j: (-row[j], j))[:k]
        position[i, : len(ranked)], score[i, : len(ranked)] = ranked, row[ranked]
    return Nearest(position, score)


def same_bytes(a: Nearest, b: Nearest) -> bool:
    return (
        a.position.tobytes() == b.position.tobytes()
        and a.score.tobytes() == b.score.tobytes()
        and a.position.dtype == b.position.dtype == np.int32
        and a.score.dtype == b.score.dtype == np.float32
        and a.position.shape == b.position.shape
    )


@pytest.mark.parametrize(
    ("n", "r", "d", "k"),
    [
        (3, 5, 4, 2),
        (1, 1, 1, 1),
        (7, 300, 33, 10),
        (1100, 70, 64, 11),
        (5, 2100, 31, 16),  # three reference tiles
        (0, 4, 8, 3),
        (4, 0, 8, 3),
        (0, 0, 8, 1),
        (4, 2, 8, 5),  # fewer references than k
        (4, 3, 0, 2),  # no dimensions: every score is 0
        (2, 400, 100, 200),
    ],
)
def test_the_result_is_that_of_sorting_every_score(n, r, d, k):
    vectors = unit_rows(1, n, d) if d else np.empty((n, 0), np.float32)
    references = unit_rows(2, r, d) if d else np.empty((r, 0), np.float32)
    found = nearest(vectors, references, k)
    assert found.position.shape == found.score.shape == (n, k)
    assert same_bytes(found, naive_nearest(vectors, references, k))


def test_a_score_is_the_exact_cosine_rounded_to_float32():
    vectors, references = unit_rows(3, 20, 512), unit_rows(4, 30, 512)
    found = nearest(vectors, references, 3)
    for i in range(20):
        for position, score in zip(found.position[i], found.score[i], strict=True):
            products = vectors[i].astype(float) * references[position].astype(float)
            assert abs(math.fsum(products) - float(score)) <= 2.0**-25


grids = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(grids, st.integers(0, 9), st.integers(0, 400), st.integers(1, 5), st.integers(1, 12))
def test_ties_go_to_the_smaller_position(seed, n, r, d, k):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, (n, d)).astype(np.float32)
    references = rng.integers(-1, 2, (r, d)).astype(np.float32)
    assert same_bytes(nearest(vectors, references, k), naive_nearest(vectors, references, k))


@settings(max_examples=30, deadline=None)
@given(grids, st.integers(1, 12), st.sampled_from([1, 3, 150, 600]))
def test_near_ties_are_ranked_by_the_stored_score(seed, k, copies):
    rng = np.random.default_rng(seed)
    base = unit_rows(seed, 1, 48)
    nudges = rng.integers(-2, 3, (copies, 48)) * np.float32(2.0**-24)
    references = np.concatenate([base + nudges.astype(np.float32), unit_rows(seed + 1, 5, 48)])
    vectors = np.concatenate([base, unit_rows(seed + 2, 3, 48)])
    assert same_bytes(nearest(vectors, references, k), naive_nearest(vectors, references, k))


def test_a_lowest_score_never_costs_a_reference_that_reaches_it():
    base = unit_rows(21, 1, 300)
    nudges = np.random.default_rng(22).integers(-3, 4, (90, 300)) * 2.0**-24
    references = (base + nudges).astype(np.float32)
    scores = naive_scores(base, references)[0]
    for lowest in np.unique(scores):
        found = nearest_above(base, references, 90, np.array([lowest]))
        assert set(np.flatnonzero(scores >= lowest)) <= set(found.position[0].tolist())


def test_more_identical_references_than_the_buffer_holds():
    references = np.repeat(unit_rows(5, 2, 16), 700, axis=0)
    vectors = np.concatenate([references[:1], references[-1:], unit_rows(6, 3, 16)])
    found = nearest(vectors, references, 4)
    assert found.position[0].tolist() == [0, 1, 2, 3]
    assert found.position[1].tolist() == [700, 701, 702, 703]
    assert same_bytes(found, naive_nearest(vectors, references, 4))


def test_rising_scores_pass_through_the_buffer():
    angles = np.linspace(1.5, 0.0, 1000)
    references = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    assert same_bytes(nearest(vectors, references, 5), naive_nearest(vectors, references, 5))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 7), (64, 100), (2048, 4096)])
def test_no_batch_shape_changes_a_byte(monkeypatch, rows, columns):
    vectors, references = unit_rows(7, 150, 40), unit_rows(8, 230, 40)
    whole = nearest(vectors, references, 6)
    order = np.random.default_rng(9).permutation(len(vectors))
    monkeypatch.setattr(matching, "ROWS_PER_TILE", rows)
    monkeypatch.setattr(matching, "REFERENCES_PER_TILE", columns)
    assert same_bytes(whole, nearest(vectors, references, 6))
    permuted = nearest(vectors[order], references, 6)
    assert permuted.position.tobytes() == whole.position[order].tobytes()
    assert permuted.score.tobytes() == whole.score[order].tobytes()
    fewer = nearest(vectors, references, 4)
    assert fewer.score.tobytes() == whole.score[:, :4].tobytes()


def test_any_layout_of_the_input_gives_the_same_bytes(tmp_path):
    vectors, references = unit_rows(10, 30, 24), unit_rows(11, 40, 24)
    whole = nearest(vectors, references, 5)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    unaligned = np.frombuffer(b"x" + vectors.tobytes(), np.float32, offset=1).reshape(30, 24)
    wide = np.repeat(references, 2, axis=1)[:, ::2]
    for layout in (mapped, unaligned, np.asfortranarray(vectors)):
        assert same_bytes(whole, nearest(layout, references, 5))
    assert same_bytes(whole, nearest(vectors, wide, 5))


def test_leave_one_out_leaves_out_the_position_and_keeps_the_twin():
    references = unit_rows(12, 40, 6)
    references[7] = references[3]
    found = nearest_among_themselves(references, 3)
    assert found.position[3, 0] == 7
    assert found.position[7, 0] == 3
    assert same_bytes(found, naive_nearest(references, references, 3, left_out=np.arange(40)))


@pytest.mark.parametrize("r", [0, 1, 2, 30])
def test_leave_one_out_among_identical_references(r):
    references = np.ones((r, 1), np.float32)
    found = nearest_among_themselves(references, 4)
    assert same_bytes(found, naive_nearest(references, references, 4, left_out=np.arange(r)))


@pytest.mark.parametrize(
    ("vectors", "references", "k", "message"),
    [
        (np.ones((2, 3), np.float32), np.ones((2, 4), np.float32), 1, "found 3 and 4"),
        (np.ones((2, 3)), np.ones((2, 3), np.float32), 1, "vectors as float32.*found float64"),
        (np.ones(3, np.float32), np.ones((2, 3), np.float32), 1, r"found float32 of shape \(3,\)"),
        (np.ones((2, 3), np.float32), np.ones((2, 3), np.float32), 0, "at least 1, found 0"),
        (np.full((2, 3), np.nan, np.float32), np.ones((2, 3), np.float32), 1, "row 0 .* nan"),
        (np.ones((2, 3), np.float32), np.full((2, 3), np.inf, np.float32), 1, "references.* inf"),
        (np.full((2, 3), 1e30, np.float32), np.ones((2, 3), np.float32), 1, "vectors of unit"),
    ],
)
def test_wrong_input_is_named(vectors, references, k, message):
    with pytest.raises(ValueError, match=message):
        nearest(vectors, references, k)


def test_a_wrong_row_is_named_by_its_place_in_the_batch():
    vectors = unit_rows(13, 1500, 4)
    vectors[1321, 2] = np.nan
    with pytest.raises(ValueError, match="row 1321 of length nan"):
        nearest(vectors, unit_rows(14, 5, 4), 1)


def blas_threads() -> list[int]:
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]


def test_calls_at_once_give_the_same_bytes_and_leave_blas_as_it_was():
    vectors, references = unit_rows(17, 1500, 16), unit_rows(18, 90, 16)
    whole, before = nearest(vectors, references, 4), blas_threads()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: nearest(vectors, references, 4), range(12)))
    assert all(same_bytes(whole, one) for one in found)
    assert blas_threads() == before


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_process_can_match_too():
    vectors, references = unit_rows(19, 1500, 16), unit_rows(20, 90, 16)
    whole = nearest(vectors, references, 4)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(nearest, (vectors, references, 4)).get(timeout=60)
    assert same_bytes(whole, there)


def test_scratch_memory_is_bounded():
    vectors, references = unit_rows(15, 2048, 8), unit_rows(16, 20_000, 8)
    nearest(vectors[:1], references, 16)
    tracemalloc.start()
    nearest(vectors, references, 16)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 100e6


@pytest.mark.slow
def test_it_works_where_no_cache_folder_can_be_written(tmp_path):
    package = tmp_path / "autolabel_core"
    (package / "matching").mkdir(parents=True)
    (package / "foundation").mkdir()
    needed = ("__init__", "matching/__init__", "foundation/__init__", "foundation/parallel")
    for name in (*needed, *(f"matching/{n}" for n in MATCHING)):
        shutil.copy(ROOT / "autolabel_core" / f"{name}.py", package / f"{name}.py")
    (package / "matching/__pycache__").write_text("a file where the cache folder would be")
    program = (
        "import numpy as np; from autolabel_core.matching import few_documents;"
        "few_documents.MAX_PAIRS = -1;"
        "from autolabel_core.matching.nearest import nearest;"
        "print(nearest(np.eye(3, dtype='f4'), np.eye(3, dtype='f4'), 1).position.ravel())"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[0 1 2]", done.stderr
