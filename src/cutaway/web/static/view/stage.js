/**
 * The photo that is looked at: its canvases, the slider and the brush.
 *
 * @import {Background, Cutout, Photo, State, Stroke} from "../photos.js"
 * @import {Gesture} from "./gestures.js"
 */
import { byId } from "../dom.js";
import { chosenPhoto } from "../photos.js";
import { createCompare } from "./compare.js";
import { onGestures } from "./gestures.js";
import { createLayers } from "./layers.js";
import { showRemarks } from "./remarks.js";
import { createZoom } from "./zoom.js";

const MIDDLE = 50;

/** What the canvases hold. */
const NOTHING = {
  id: /** @type {number | null} */ (null),
  cutout: /** @type {Cutout | null} */ (null),
  background: /** @type {Background | null} */ (null),
  strokes: /** @type {readonly Stroke[]} */ ([]),
  size: { width: 1, height: 1 },
};

/**
 * @param {() => State} state
 * @param {(stroke: Stroke) => void} draw  adds a stroke to the chosen photo
 * @param {(id: number) => void} refuse  says that the browser cannot show a photo as it was
 */
export function createStage(state, draw, refuse) {
  const stage = byId("stage", HTMLElement);
  const viewport = byId("viewport", HTMLElement);
  const slider = byId("slider", HTMLElement);
  const layers = createLayers();
  const compare = createCompare();
  const zoom = createZoom();
  let held = NOTHING;
  /** @type {Stroke | null} */
  let growing = null;
  let busy = false;

  const ready = () => held.id === state().chosen && held.cutout !== null;

  /** Brings the canvases to the state, step by step, as it may change while a file is being decoded. */
  async function settle() {
    if (busy) return;
    busy = true;
    try {
      while (await step(chosenPhoto(state()), state().background)) show();
    } finally {
      busy = false;
    }
  }

  /**
   * @param {Photo | undefined} photo
   * @param {Background} background
   * @returns {Promise<boolean>}  whether there was something to do
   */
  async function step(photo, background) {
    if (!photo) return false;
    if (held.id !== photo.id) await open(photo);
    else if (photo.cutout && held.cutout !== photo.cutout) await place(photo, photo.cutout);
    else if (held.cutout && isStale(photo, background)) await fill(photo, background);
    else return false;
    return true;
  }

  /** @param {Photo} photo */
  async function open(photo) {
    const size = await layers.open(photo.file);
    held = { ...NOTHING, id: photo.id };
    if (size) zoom.show(size);
    else refuse(photo.id);
  }

  /** @param {Photo} photo @param {Cutout} cutout */
  async function place({ id }, cutout) {
    const size = await layers.place(cutout);
    held = { ...held, cutout, size };
    if (!layers.hasBefore()) refuse(id);
    if (!layers.hasBefore() || size.width < cutout.width) zoom.show(cutout);
    compare.set(layers.hasBefore() ? MIDDLE : 0);
  }

  /** @param {Photo} photo @param {Background} background */
  const isStale = (photo, background) =>
    held.background !== background || (background.kind === "blur" && held.strokes !== photo.strokes);

  /** @param {Photo} photo @param {Background} background */
  async function fill({ strokes }, background) {
    layers.paint(strokes);
    await layers.fill(background);
    held = { ...held, background, strokes };
  }

  function show() {
    const now = state();
    const photo = chosenPhoto(now);
    if (!photo) return;
    stage.dataset.tool = now.tool;
    stage.classList.toggle("ready", ready());
    stage.classList.toggle("before-only", held.id === photo.id && !ready() && photo.viewable);
    slider.hidden = !ready() || !photo.viewable || now.tool !== "compare";
    if (ready()) layers.paint(growing ? [...photo.strokes, growing] : photo.strokes);
    compare.refresh();
    zoom.refresh();
    showRemarks(photo, now.background, held.size);
  }

  /**
   * @param {PointerEvent} event
   * @returns {Gesture | null}
   */
  function begin(event) {
    const { tool } = state();
    if (tool !== "compare") return ready() ? stroke(event, tool) : null;
    const onSlider = event.target instanceof Element && slider.contains(event.target);
    if (!zoom.isFitting() && !onSlider) return zoom.begin(event);
    return slider.hidden ? null : compare.begin(event);
  }

  /**
   * @param {PointerEvent} event
   * @param {Stroke["kind"]} kind
   * @returns {Gesture}
   */
  function stroke(event, kind) {
    const line = { kind, size: state().brushSize / zoom.scale(), points: [zoom.inPhoto(event)] };
    growing = line;
    show();
    return {
      move(event) {
        line.points.push(...coalesced(event).map(zoom.inPhoto));
        show();
      },
      end() {
        growing = null;
        draw(line);
      },
      cancel() {
        growing = null;
        show();
      },
    };
  }

  onGestures(viewport, begin, zoom.pinch);
  return function update() {
    show();
    settle();
  };
}

/**
 * Returns all positions since the last event: a quick stroke stays round.
 *
 * @param {PointerEvent} event
 */
function coalesced(event) {
  const events = event.getCoalescedEvents?.() ?? [];
  return events.length ? events : [event];
}
