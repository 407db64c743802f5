/**
 * The controls that give the pictures out.
 *
 * @import {State} from "../photos.js"
 * @import {Format} from "../save.js"
 */
import { byId } from "../dom.js";
import { number, t } from "../i18n.js";
import { chosenPhoto, finished } from "../photos.js";
import { archive, download, nameOf, picture } from "../save.js";
import { problemOf } from "../work.js";
import { toast } from "./toast.js";
import { sentence } from "./words.js";

/**
 * @param {() => State} state
 * @param {<T>(attempt: () => Promise<T>) => Promise<T>} unlocked
 */
export function createSaving(state, unlocked) {
  const one = byId("download", HTMLButtonElement);
  const all = byId("download-all", HTMLButtonElement);
  const copy = byId("copy", HTMLButtonElement);
  const select = byId("format", HTMLSelectElement);
  const jpeg = byId("jpeg", HTMLOptionElement);
  const format = () => /** @type {Format} */ (select.value);
  copy.hidden = !navigator.clipboard || typeof ClipboardItem === "undefined";

  async function saveOne() {
    const photo = chosenPhoto(state());
    if (!photo) return;
    const name = nameOf(photo, format());
    download(await unlocked(() => picture(photo, state().background, format())), name);
    toast(t("save.saved", { name }));
  }

  async function saveAll() {
    const blob = await unlocked(() => archive(finished(state()), state().background, format()));
    download(blob, "cutaway.zip");
    toast(t("save.saved", { name: "cutaway.zip" }));
  }

  async function copyOne() {
    const photo = chosenPhoto(state());
    if (!photo) return;
    // Safari wants the promise: after it has been waited for, the click counts no longer.
    const png = unlocked(() => picture(photo, state().background, "png"));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    toast(t("save.copied"));
  }

  one.addEventListener("click", () => busy(one, saveOne));
  all.addEventListener("click", () => busy(all, saveAll));
  copy.addEventListener("click", () => busy(copy, copyOne));

  return (/** @type {State} */ now) => {
    const isOpaque = now.background.kind !== "transparent";
    jpeg.disabled = !isOpaque;
    jpeg.textContent = isOpaque ? "JPEG" : t("save.opaque");
    if (!isOpaque && format() === "jpg") select.value = "png";
    one.disabled = copy.disabled = !chosenPhoto(now)?.cutout;
    all.hidden = finished(now).length < 2;
    all.textContent = t("save.all", { count: number(finished(now).length) });
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} action
 */
async function busy(button, action) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  toast(t("save.working"));
  try {
    await action();
  } catch (error) {
    toast(t("save.failed", { problem: sentence(problemOf(error)) }));
  }
  button.ariaBusy = "false";
}
