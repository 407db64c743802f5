"""What ``speed.py`` times, each in a process of its own: ``PYTHON speed_tasks.py TASK FILE...`` prints one JSON value.

The interpreter may be another version's or a peer's, so a task imports what it needs itself.
"""

import cProfile
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

PHOTOS = {"1mp": (864, 1152), "12mp": (3000, 4000), "50mp": (6120, 8160), "1mp-square": (1024, 1024)}
"""Sizes (height, width) by the stems of the photos' names; of the last the network needs a second view, close up."""

NOISE = 6.0
"""Standard deviation of the noise, in levels of 8 bits: files are then about as large as a camera's."""

QUALITY = 92
THREADS = 2
WARM_UP, REPEATS = 3, 11

Times = tuple[float, float]
"""Seconds by the clock, and seconds that all threads together took; medians, where something ran several times."""

STAGES = {
    "load the model": ("runtime.py", "__init__"),
    "decode": ("imagefile.py", "read"),
    "fit": ("geometry.py", "resize_image"),
    "network": ("runtime.py", "predict"),
    "refine": ("refine.py", "guided"),
    "foreground": ("foreground.py", "estimate_foreground"),
    "put together": ("cutout.py", "rgba"),
    "encode": ("imagefile.py", "encode"),
    "write": ("imagefile.py", "write"),
}
"""The stages of a removal, and the file and function of each."""

WITHIN = {"put together": "foreground"}
"""The stages that hold another, which counts for itself."""


def photos(folder: Path) -> None:
    """Write the photos: NASA's portrait of an astronaut, enlarged, with noise; and the alpha of the small one."""
    import numpy as np
    import PIL.Image
    from PIL import ImageOps

    import cutaway

    random = np.random.default_rng(0)
    portrait = PIL.Image.open(Path(cutaway.__file__).with_name("samples") / "astronaut.jpg")
    for stem, (height, width) in PHOTOS.items():
        picture = ImageOps.fit(portrait, (width, height), PIL.Image.Resampling.BICUBIC, centering=(0.5, 0))
        noise = random.standard_normal((height, width, 3), np.float32) * np.float32(NOISE)
        grainy = np.clip(np.rint(noise + np.asarray(picture)), 0, 255).astype(np.uint8)
        PIL.Image.fromarray(grainy).save(folder / f"{stem}.jpg", quality=QUALITY)
    if find_spec("pyvips"):
        special_photos(folder)
    command = [sys.executable, "-m", "cutaway", "remove", "--mask", "-o", f"{folder}/alpha.png", f"{folder}/1mp.jpg"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def special_photos(folder: Path) -> None:
    """Write the photo of 12 MP in Display P3, and in 16 bits."""
    import pyvips

    photo = pyvips.Image.new_from_file(str(folder / "12mp.jpg"))
    wide = photo.icc_transform("p3", input_profile="srgb")
    wide.jpegsave(str(folder / "12mp-p3.jpg"), Q=QUALITY)
    noise = pyvips.Image.gaussnoise(photo.width, photo.height, mean=0, sigma=NOISE * 16, seed=0)
    deep = (photo * 257 + noise).cast("ushort")
    deep.copy(interpretation="rgb16").pngsave(str(folder / "12mp-16bit.png"), compression=1)


def remove(photo: Path) -> Times:
    """Return what Cutaway takes from the pixels of a photo to its alpha at full size, warm."""
    import numpy as np
    import PIL.Image

    from cutaway.remover import Remover

    image, remover = np.asarray(PIL.Image.open(photo)), Remover(threads=THREADS)
    return warm(lambda: remover.remove(image))


def foreground(photo: Path, alpha: Path) -> Times:
    """Return what Cutaway takes for the person's own colours, warm."""
    import numpy as np
    import PIL.Image

    from cutaway.foreground import estimate_foreground

    image, cover = np.asarray(PIL.Image.open(photo)), np.asarray(PIL.Image.open(alpha), np.float32) / np.float32(255)
    return warm(lambda: estimate_foreground(image, cover))


def pymatting(photo: Path, alpha: Path) -> Times:
    """Return what pymatting's multi-level estimation takes for the same."""
    import numpy as np
    import PIL.Image
    from pymatting import estimate_foreground_ml

    image, cover = (np.asarray(PIL.Image.open(path)) / 255 for path in (photo, alpha))
    return warm(lambda: estimate_foreground_ml(image, cover))


def mediapipe(photo: Path) -> Times:
    """Return what MediaPipe takes from the pixels of a photo to its mask at full size, warm."""
    import cv2
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    image = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
    with SelfieSegmentation(model_selection=0) as net:
        return warm(lambda: net.process(image))


def mediapipe_file(photo: Path, out: Path) -> None:
    """Cut a photo out with MediaPipe, from file to file, as ``cutaway remove`` does; the colours stay as they are."""
    import cv2
    import numpy as np
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    image = cv2.imread(str(photo))
    with SelfieSegmentation(model_selection=0) as net:
        mask = net.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).segmentation_mask
    cv2.imwrite(str(out), np.dstack([image, np.rint(mask * 255).astype(np.uint8)]))


def profile(photo: Path, out: Path) -> dict[str, float]:
    """Return the seconds of each stage of one removal, from file to file; ``rest`` is what lies between them."""
    start = time.perf_counter()
    from cutaway.remover import Remover

    imported = time.perf_counter()
    with cProfile.Profile() as profiler:
        Remover().remove(photo).save(out)
    total = time.perf_counter() - imported
    stages = seconds_of(profiler)
    return {"imports": imported - start, **stages, "rest": total - sum(stages.values())}


def seconds_of(profiler: cProfile.Profile) -> dict[str, float]:
    """Return the seconds of each of ``STAGES``."""
    spent = {
        (Path(entry.code.co_filename).name, entry.code.co_name): entry.totaltime
        for entry in profiler.getstats()
        if not isinstance(entry.code, str) and Path(entry.code.co_filename).parent.name == "cutaway"
    }
    whole = {stage: spent[function] for stage, function in STAGES.items()}
    return {stage: seconds - whole.get(WITHIN.get(stage, ""), 0) for stage, seconds in whole.items()}


def warm(work: Callable[[], object]) -> Times:
    """Return the times of ``work``, once it has run a few times."""
    times = [timed(work) for _ in range(WARM_UP + REPEATS)][WARM_UP:]
    return median(seconds for seconds, _ in times), median(cpu_seconds for _, cpu_seconds in times)


def timed(work: Callable[[], object]) -> Times:
    """Return the times of ``work``."""
    start, cpu_start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu_start


TASKS: dict[str, Callable[..., object]] = {
    task.__name__: task for task in (photos, remove, foreground, pymatting, mediapipe, mediapipe_file, profile)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*map(Path, sys.argv[2:]))))
