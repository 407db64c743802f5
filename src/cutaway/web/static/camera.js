/** The dialog that takes a selfie. */
import { blank, encode } from "./canvas.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";

/** @param {(files: File[]) => void} take */
export function createCamera(take) {
  const dialog = byId("camera", HTMLDialogElement);
  const video = byId("camera-video", HTMLVideoElement);
  const shutter = byId("camera-shutter", HTMLButtonElement);
  const failure = byId("camera-failure", HTMLParagraphElement);
  let visit = 0;

  async function open() {
    visit += 1;
    const opened = visit;
    failure.hidden = true;
    video.hidden = false;
    shutter.disabled = true;
    dialog.showModal();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1920 } } });
      if (!dialog.open || opened !== visit) return stop(stream);
      video.srcObject = stream;
      await video.play();
      shutter.disabled = false;
      shutter.focus();
    } catch (error) {
      if (opened === visit && dialog.open) show(error);
    }
  }

  /** @param {unknown} error */
  function show(error) {
    const name = error instanceof DOMException ? error.name : "";
    const key = name === "NotAllowedError" ? "refused" : name === "NotFoundError" ? "missing" : "failed";
    failure.textContent = t(`camera.${key}`);
    failure.hidden = false;
    video.hidden = true;
  }

  shutter.addEventListener("click", async () => {
    const frame = blank(video.videoWidth, video.videoHeight);
    frame.drawImage(video, 0, 0);
    dialog.close();
    const blob = await encode(frame.canvas, "image/jpeg", 0.95);
    take([new File([blob], `${t("camera.name")}.jpg`, { type: blob.type })]);
  });
  dialog.addEventListener("close", () => {
    if (video.srcObject instanceof MediaStream) stop(video.srcObject);
    video.srcObject = null;
  });
  return open;
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
