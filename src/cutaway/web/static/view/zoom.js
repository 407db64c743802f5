/**
 * The photo in its viewport: zoomed by buttons, keys, wheel and fingers, and moved where it is larger.
 *
 * @import {Gesture, Pinch} from "./gestures.js"
 * @import {Size, View} from "./viewport.js"
 * @import {Point} from "../photos.js"
 */
import { byId } from "../dom.js";
import { percent } from "../i18n.js";
import { pointIn } from "./gestures.js";
import { fit, panned, zoomed } from "./viewport.js";

const STEP = 1.4;
const PAN = 48;
const WHEEL = 0.0025;

export function createZoom() {
  const viewport = byId("viewport", HTMLElement);
  const sheet = byId("sheet", HTMLElement);
  const output = byId("zoom-value", HTMLOutputElement);
  /** @type {Size} */
  let photo = { width: 1, height: 1 };
  /** @type {View} */
  let view = { x: 0, y: 0, scale: 1 };
  let fitting = true;

  const frame = () => ({ width: viewport.clientWidth, height: viewport.clientHeight });
  const middle = () => ({ x: viewport.clientWidth / 2, y: viewport.clientHeight / 2 });

  /** @param {View} next */
  function show(next) {
    view = next;
    fitting = next.scale <= fit(photo, frame()).scale;
    sheet.style.width = `${photo.width * view.scale}px`;
    sheet.style.height = `${photo.height * view.scale}px`;
    sheet.style.transform = `translate(${view.x}px, ${view.y}px)`;
    viewport.classList.toggle("enlarged", !fitting);
    output.value = percent(view.scale);
  }

  const refit = () => show(fit(photo, frame()));
  /** @param {number} factor @param {Point} at */
  const zoom = (factor, at = middle()) => show(zoomed(view, factor, at, photo, frame()));
  /** @param {Point} by */
  const pan = (by) => show(panned(view, by, photo, frame()));

  byId("zoom-in", HTMLButtonElement).addEventListener("click", () => zoom(STEP));
  byId("zoom-out", HTMLButtonElement).addEventListener("click", () => zoom(1 / STEP));
  byId("zoom-fit", HTMLButtonElement).addEventListener("click", refit);
  new ResizeObserver(() => (fitting ? refit() : pan({ x: 0, y: 0 }))).observe(viewport);
  viewport.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY * WHEEL), pointIn(viewport, event));
      else if (fitting) return;
      else pan({ x: -event.deltaX, y: -event.deltaY });
      event.preventDefault();
    },
    { passive: false },
  );
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = arrow(event.key);
    if (event.key === "+" || event.key === "=") zoom(STEP);
    else if (event.key === "-") zoom(1 / STEP);
    else if (event.key === "0") refit();
    else if (by && !fitting) pan(by);
    else return;
    event.preventDefault();
  });

  return {
    isFitting: () => fitting,
    scale: () => view.scale,
    refresh: () => show(view),
    /** @param {Size} size  of the photo, in its own pixels */
    show(size) {
      photo = size;
      refit();
    },
    /** @param {Pinch} pinch */
    pinch({ centre, factor, by }) {
      pan(by);
      zoom(factor, centre);
    },
    /**
     * @param {PointerEvent} event
     * @returns {Gesture}
     */
    begin({ clientX, clientY }) {
      let last = { clientX, clientY };
      return {
        move(event) {
          pan({ x: event.clientX - last.clientX, y: event.clientY - last.clientY });
          last = event;
        },
      };
    },
    /**
     * Returns where in the photo a pointer is, in the photo's pixels.
     *
     * @param {PointerEvent} event
     * @returns {Point}
     */
    inPhoto(event) {
      const { x, y } = pointIn(viewport, event);
      return { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale };
    },
  };
}

/**
 * @param {string} key
 * @returns {Point | undefined}
 */
const arrow = (key) =>
  new Map([
    ["ArrowLeft", { x: PAN, y: 0 }],
    ["ArrowRight", { x: -PAN, y: 0 }],
    ["ArrowUp", { x: 0, y: PAN }],
    ["ArrowDown", { x: 0, y: -PAN }],
  ]).get(key);
