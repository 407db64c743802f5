/**
 * The controls beside the photo: background and brush.
 *
 * @import {Background, State} from "../photos.js"
 * @import {Store} from "../store.js"
 */
import { byId } from "../dom.js";
import { t } from "../i18n.js";
import { chosenPhoto, LARGEST_BRUSH, redone, reset, SMALLEST_BRUSH, undone } from "../photos.js";

const BRUSH_STEP = 1.25;

/** @param {Store<State>} store */
export function createPanel(store) {
  const showBackground = createBackgrounds(store);
  const showBrush = createBrush(store);
  return (/** @type {State} */ state) => {
    showBackground(state);
    showBrush(state);
  };
}

/** @param {Store<State>} store */
function createBackgrounds(store) {
  const swatches = [...byId("swatches", HTMLElement).querySelectorAll("button")];
  const colour = byId("colour", HTMLInputElement);
  const blur = byId("blur", HTMLButtonElement);
  const radius = byId("radius", HTMLInputElement);
  const picture = byId("picture", HTMLButtonElement);
  const chooser = byId("picture-chooser", HTMLInputElement);
  /** @param {Background} background */
  const take = (background) => store.update((state) => ({ ...state, background }));
  const takeBlur = () => take({ kind: "blur", share: Number(radius.value) / 1000 });

  for (const swatch of swatches) swatch.addEventListener("click", () => take(backgroundOf(swatch)));
  colour.addEventListener("input", () => take({ kind: "colour", colour: colour.value }));
  colour.addEventListener("click", () => take({ kind: "colour", colour: colour.value }));
  blur.addEventListener("click", takeBlur);
  radius.addEventListener("input", takeBlur);
  picture.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    const [file] = chooser.files ?? [];
    if (file) take({ kind: "picture", picture: file });
    chooser.value = "";
  });

  return (/** @type {State} */ state) => {
    const { background, photos } = state;
    const chosen = swatches.find((swatch) => isSame(backgroundOf(swatch), background));
    for (const swatch of swatches) press(swatch, swatch === chosen);
    colour.classList.toggle("pressed", background.kind === "colour" && !chosen);
    press(blur, background.kind === "blur");
    press(picture, background.kind === "picture");
    blur.disabled = !chosenPhoto(state)?.viewable;
    byId("radius-row", HTMLElement).hidden = background.kind !== "blur";
    byId("background-all", HTMLElement).hidden = photos.length < 2;
  };
}

/** @param {Store<State>} store */
function createBrush(store) {
  const tools = [...document.querySelectorAll("input")].filter(({ name }) => name === "tool");
  const size = byId("size", HTMLInputElement);
  const steps = { undo: undone, redo: redone, reset };
  const buttons = Object.entries(steps).map(([id, step]) => ({ button: byId(id, HTMLButtonElement), step }));
  /** @param {number} brushSize */
  const resize = (brushSize) => store.update((state) => ({ ...state, brushSize }));

  for (const tool of tools) {
    tool.addEventListener("change", () => store.update((state) => ({ ...state, tool: toolOf(tool.value) })));
  }
  size.addEventListener("input", () => resize(Number(size.value)));
  for (const { button, step } of buttons) button.addEventListener("click", () => store.update(step));
  addEventListener("keydown", (event) => onKey(event, store, resize));

  return (/** @type {State} */ state) => {
    const photo = chosenPhoto(state);
    for (const tool of tools) {
      tool.checked = tool.value === state.tool;
      tool.disabled = !photo?.cutout || (tool.value === "keep" && !photo.viewable);
    }
    byId("tool-hint", HTMLElement).textContent = t(`tool.hint.${state.tool}`);
    byId("size-row", HTMLElement).hidden = state.tool === "compare";
    size.value = String(state.brushSize);
    size.setAttribute("aria-valuetext", t("tool.size.value", { size: state.brushSize }));
    byId("undo", HTMLButtonElement).disabled = !photo?.strokes.length;
    byId("redo", HTMLButtonElement).disabled = !photo?.undone.length;
    byId("reset", HTMLButtonElement).disabled = !photo?.strokes.length;
  };
}

/**
 * @param {KeyboardEvent} event
 * @param {Store<State>} store
 * @param {(size: number) => void} resize
 */
function onKey(event, store, resize) {
  if (document.querySelector("dialog[open]") || isText(event.target)) return;
  const { brushSize } = store.get();
  const key = event.key.toLowerCase();
  const withCommand = event.ctrlKey || event.metaKey;
  if (withCommand && key === "z") store.update(event.shiftKey ? redone : undone);
  else if (withCommand && key === "y") store.update(redone);
  else if (key === "[") resize(Math.max(SMALLEST_BRUSH, Math.round(brushSize / BRUSH_STEP)));
  else if (key === "]") resize(Math.min(LARGEST_BRUSH, Math.round(brushSize * BRUSH_STEP)));
  else return;
  event.preventDefault();
}

/** @param {EventTarget | null} target */
const isText = (target) => target instanceof HTMLInputElement && ["text", "password"].includes(target.type);

/** @param {string} value */
const toolOf = (value) => (value === "keep" || value === "erase" ? value : "compare");

/**
 * @param {HTMLButtonElement} swatch
 * @returns {Background}
 */
function backgroundOf(swatch) {
  const colour = swatch.dataset.background ?? "";
  return colour === "transparent" ? { kind: "transparent" } : { kind: "colour", colour };
}

/** @param {Background} one @param {Background} other */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** @param {HTMLButtonElement} button @param {boolean} pressed */
const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
