/**
 * Pointers on an element: one draws, drags or slides, two pinch.
 *
 * @import {Point} from "../photos.js"
 * @typedef {{move: (event: PointerEvent) => void, end?: () => void, cancel?: () => void}} Gesture
 * @typedef {{centre: Point, factor: number, by: Point}} Pinch  since the last one; the centre in the element
 */

/**
 * @param {HTMLElement} element
 * @param {(event: PointerEvent) => Gesture | null} begin  what a single pointer does
 * @param {(pinch: Pinch) => void} pinch
 */
export function onGestures(element, begin, pinch) {
  /** @type {Map<number, Point>} */
  const pointers = new Map();
  /** @type {Gesture | null} */
  let gesture = null;

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target instanceof HTMLButtonElement) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, pointIn(element, event));
    gesture?.cancel?.();
    gesture = pointers.size === 1 ? begin(event) : null;
  });
  element.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = spanOf(pointers);
    pointers.set(event.pointerId, pointIn(element, event));
    if (pointers.size === 2) pinch(between(before, spanOf(pointers)));
    else gesture?.move(event);
  });
  element.addEventListener("pointerup", (event) => leave(event, (done) => done.end?.()));
  element.addEventListener("pointercancel", (event) => leave(event, (done) => done.cancel?.()));

  /** @param {PointerEvent} event @param {(gesture: Gesture) => void} finish */
  function leave(event, finish) {
    if (!pointers.delete(event.pointerId)) return;
    if (gesture) finish(gesture);
    gesture = null;
  }
}

/**
 * @param {Element} element
 * @param {{clientX: number, clientY: number}} event
 * @returns {Point}
 */
export function pointIn(element, { clientX, clientY }) {
  const { left, top } = element.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

/** @param {Map<number, Point>} pointers */
function spanOf(pointers) {
  const [first = { x: 0, y: 0 }, second = first] = pointers.values();
  const centre = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
  return { centre, length: Math.max(1, Math.hypot(first.x - second.x, first.y - second.y)) };
}

/**
 * @param {ReturnType<typeof spanOf>} before
 * @param {ReturnType<typeof spanOf>} after
 * @returns {Pinch}
 */
function between(before, after) {
  const by = { x: after.centre.x - before.centre.x, y: after.centre.y - before.centre.y };
  return { centre: after.centre, factor: after.length / before.length, by };
}
