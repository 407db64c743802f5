/**
 * What stands over and under the photo on the stage.
 *
 * @import {Background, Photo} from "../photos.js"
 * @import {Size} from "./viewport.js"
 */
import { byId } from "../dom.js";
import { number, t } from "../i18n.js";
import { sentence, stateOf, sureness } from "./words.js";

/**
 * @param {Photo} photo
 * @param {Background} background
 * @param {Size} size  at which the photo is worked on
 */
export function showRemarks(photo, background, size) {
  byId("viewport", HTMLElement).ariaLabel = t("stage.view", { name: photo.file.name });
  showVeil(photo);
  showSureness(photo);
  byId("nobody", HTMLElement).hidden = photo.cutout?.found ?? true;
  const note = byId("note", HTMLElement);
  note.textContent = notes(photo, background, size).join(" ");
  note.hidden = note.textContent === "";
}

/** @param {Photo} photo */
function showVeil(photo) {
  const veil = byId("veil", HTMLElement);
  veil.hidden = photo.state === "done";
  veil.dataset.state = photo.state;
  byId("veil-text", HTMLElement).textContent = photo.problem ? sentence(photo.problem) : stateOf(photo);
  byId("veil-retry", HTMLElement).hidden = photo.state !== "failed";
}

/** @param {Photo} photo */
function showSureness({ cutout }) {
  const element = byId("sure", HTMLElement);
  const { level, text } = cutout?.found ? sureness(cutout.confidence) : { level: "", text: "" };
  element.dataset.level = level;
  element.textContent = text;
}

/**
 * @param {Photo} photo
 * @param {Background} background
 * @param {Size} size
 */
function notes({ cutout, viewable, strokes }, background, { width, height }) {
  if (!cutout) return [];
  const found = cutout.note ? [cutout.note] : [];
  if (!viewable) found.push(t("stage.undecodable"));
  if (!viewable && background.kind === "blur") found.push(t("stage.unblurred"));
  if (strokes.length && width < cutout.width) {
    found.push(t("stage.reduced", { width: number(width), height: number(height) }));
  }
  return found;
}
