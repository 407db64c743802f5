"""Answers images for ``mediapipe_scores.py``: ``PYTHON answers.py CONNECTION CORES NAME ARGUMENT``.

The interpreter may be a peer's, so what is needed of a network is imported where it is needed.
"""

import os
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

Network = Callable[[Any], Any]
"""Takes an image, H×W×3 uint8 in sRGB, to its alpha, H×W float32."""


def cutaway(model: str) -> Network:
    """Return Cutaway's way from pixels to an alpha of their size."""
    from cutaway.remover import Remover

    remover = Remover(model, threads=len(os.sched_getaffinity(0)))
    return lambda image: remover.remove(image).alpha


def mediapipe(selection: str) -> Network:
    """Return MediaPipe's: 0 is its general model, 1 the landscape one."""
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    net = SelfieSegmentation(model_selection=int(selection))
    return lambda image: net.process(image).segmentation_mask


def answer(connection: Connection, network: Network) -> None:
    """Send for each image that comes its alpha, and the seconds that it took, until nobody asks any more."""
    while True:
        try:
            shape, pixels = connection.recv()
        except EOFError:
            return
        image = np.frombuffer(pixels, np.uint8).reshape(shape)
        start = time.perf_counter()
        alpha = network(image)
        seconds = time.perf_counter() - start
        connection.send((np.clip(alpha, 0, 1).astype(np.float32).tobytes(), seconds))


NETWORKS = {network.__name__: network for network in (cutaway, mediapipe)}

if __name__ == "__main__":
    descriptor, cores, name, argument = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])  # before any threads are made
    answer(Connection(int(descriptor)), NETWORKS[name](argument))
