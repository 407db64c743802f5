/** A line at the lower edge, which goes by itself and is read out. */
import { byId } from "../dom.js";

const SHOWN = 5000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiding;

/** @param {string} text */
export function toast(text) {
  const line = byId("toast", HTMLElement);
  clearTimeout(hiding);
  line.textContent = text;
  line.classList.add("shown");
  hiding = setTimeout(() => line.classList.remove("shown"), SHOWN);
}
