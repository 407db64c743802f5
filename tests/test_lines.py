import numpy as np

from cutaway.lines import PAIRS, solve_symmetric


def test_the_solver_is_lapacks() -> None:
    random = np.random.default_rng(2)
    roots = random.normal(0, 1, (4, 5, 3, 3))
    matrices = roots @ roots.transpose(0, 1, 3, 2) + 0.1 * np.eye(3)
    right = random.normal(0, 1, (4, 5, 3))
    expected = np.linalg.solve(matrices, right[..., np.newaxis])[..., 0]
    found = solve_symmetric([matrices[..., i, j] for i, j in PAIRS], np.moveaxis(right, -1, 0))
    np.testing.assert_allclose(np.stack(found, axis=-1), expected, atol=1e-9)
