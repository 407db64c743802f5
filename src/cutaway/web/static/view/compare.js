/**
 * The slider between the photo as it was and as it is: what was lies on the side where reading starts.
 *
 * @import {Gesture} from "./gestures.js"
 */
import { byId } from "../dom.js";
import { isRightToLeft, percent, t } from "../i18n.js";
import { pointIn } from "./gestures.js";

const STEP = 2;
const LARGE_STEP = 10;

export function createCompare() {
  const slider = byId("slider", HTMLElement);
  const sheet = byId("sheet", HTMLElement);
  let value = 50;

  /** @param {number} wanted  percent of the photo's width that shows what was */
  function set(wanted) {
    value = Math.min(100, Math.max(0, wanted));
    sheet.style.setProperty("--split", `${value}%`);
    slider.ariaValueNow = String(Math.round(value));
    slider.ariaValueText = t("stage.slider.value", { share: percent(value / 100) });
  }

  /** @param {PointerEvent} event */
  function slide(event) {
    const share = (100 * pointIn(sheet, event).x) / sheet.clientWidth;
    set(isRightToLeft() ? 100 - share : share);
  }

  slider.addEventListener("keydown", (event) => {
    const wanted = target(event.key, value);
    if (wanted === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the viewport's arrow keys move the photo
    set(wanted);
  });

  return {
    /** Says its value again, in the language of now. */
    refresh: () => set(value),
    /** @param {number} wanted */
    set,
    /**
     * @param {PointerEvent} event
     * @returns {Gesture}
     */
    begin(event) {
      slide(event);
      return { move: slide };
    },
  };
}

/**
 * Returns the value that a key leads to. Arrows move the handle to where they point, whichever side reading starts.
 *
 * @param {string} key
 * @param {number} value
 */
function target(key, value) {
  const right = isRightToLeft() ? -STEP : STEP;
  const steps = { ArrowRight: right, ArrowLeft: -right, ArrowUp: STEP, ArrowDown: -STEP, PageUp: LARGE_STEP, PageDown: -LARGE_STEP };
  if (key === "Home") return 0;
  if (key === "End") return 100;
  const step = new Map(Object.entries(steps)).get(key);
  return step === undefined ? null : value + step;
}
