/**
 * What is said about a photo.
 *
 * @import {Limits, Problem} from "../api.js"
 * @import {Photo} from "../photos.js"
 */
import { has, megabytes, percent, t } from "../i18n.js";

/** Below the first confidence the outline is unsure, from the second on sure; as in `confidence.py`. */
const UNSURE = 0.83;
const SURE = 0.95;

/** @type {Limits | null} */
let limits = null;

/** @param {Limits} known  numbers for the sentences */
export const useLimits = (known) => void (limits = known);

/** @param {Photo} photo */
export function stateOf({ state, progress, cutout }) {
  if (state === "working" && progress > 0 && progress < 1) return t("photo.sending", { share: percent(progress) });
  return t(state === "done" && cutout && !cutout.found ? "photo.nobody" : `photo.${state}`);
}

/** @param {Problem} problem */
export function sentence({ slug, detail }) {
  const key = `problem.${slug}`;
  if (!has(key)) return detail || t("problem.unexpected");
  return t(key, { megabytes: megabytes(limits?.max_bytes ?? 0) });
}

/** @param {number} confidence */
export function sureness(confidence) {
  const level = confidence >= SURE ? "high" : confidence >= UNSURE ? "middle" : "low";
  return { level, text: t(`sure.${level}`, { share: percent(confidence) }) };
}
