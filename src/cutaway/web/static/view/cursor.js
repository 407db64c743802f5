/**
 * A circle in the brush's size, where the mouse or pen is.
 *
 * @import {State} from "../photos.js"
 */
import { byId } from "../dom.js";
import { pointIn } from "./gestures.js";

/** @param {() => State} state */
export function createCursor(state) {
  const viewport = byId("viewport", HTMLElement);
  const cursor = byId("cursor", HTMLElement);

  viewport.addEventListener("pointermove", (event) => {
    const { tool, brushSize } = state();
    const { x, y } = pointIn(viewport, event);
    cursor.hidden = tool === "compare" || event.pointerType === "touch";
    cursor.style.width = cursor.style.height = `${brushSize}px`;
    cursor.style.transform = `translate(${x - brushSize / 2}px, ${y - brushSize / 2}px)`;
  });
  viewport.addEventListener("pointerleave", () => (cursor.hidden = true));
}
