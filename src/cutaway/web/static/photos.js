/**
 * The page's state, as plain data, and what may happen to it. Every function here is pure: it takes a state and
 * returns the next one.
 *
 * @import {Problem} from "./api.js"
 * @typedef {{x: number, y: number}} Point
 * @typedef {"keep" | "erase"} Brush
 * @typedef {{kind: Brush, size: number, points: Point[]}} Stroke  in pixels of the photo
 * @typedef {{kind: "transparent"}
 *   | {kind: "colour", colour: string}
 *   | {kind: "picture", picture: File}
 *   | {kind: "blur", share: number}} Background  `share`: the blur's radius as a share of the photo's longer side
 *
 * @typedef {object} Cutout  what the server made of a photo
 * @property {Blob} blob
 * @property {number} width
 * @property {number} height
 * @property {boolean} found  whether somebody is in the photo
 * @property {number} confidence  0..1
 * @property {string} note  what else the file held, or ""
 *
 * @typedef {object} Photo
 * @property {number} id
 * @property {File} file
 * @property {"waiting" | "working" | "done" | "failed"} state
 * @property {number} progress  of the upload, 0..1
 * @property {Cutout | null} cutout
 * @property {Problem | null} problem
 * @property {boolean} viewable  whether the browser can show it as it was; taken for granted until it is tried
 * @property {readonly Stroke[]} strokes
 * @property {readonly Stroke[]} undone  the next one to redo is the last
 *
 * @typedef {object} State
 * @property {readonly Photo[]} photos
 * @property {number | null} chosen  the id of the photo on the stage
 * @property {Background} background  of all photos
 * @property {"compare" | Brush} tool
 * @property {number} brushSize  in pixels of the screen
 */

export const SMALLEST_BRUSH = 4;
export const LARGEST_BRUSH = 160;

/** @type {State} */
export const EMPTY = {
  photos: [],
  chosen: null,
  background: { kind: "transparent" },
  tool: "compare",
  brushSize: 40,
};

let lastId = 0;

/**
 * @param {File} file
 * @returns {Photo}
 */
export function photoOf(file) {
  lastId += 1;
  const empty = { progress: 0, cutout: null, problem: null, viewable: true, strokes: [], undone: [] };
  return { id: lastId, file, state: "waiting", ...empty };
}

/**
 * @param {State} state
 * @param {number | null} id
 */
export const find = (state, id) => state.photos.find((photo) => photo.id === id);

/** @param {State} state */
export const chosenPhoto = (state) => find(state, state.chosen);

/** @param {State} state */
export const finished = (state) => state.photos.filter((photo) => photo.cutout !== null);

/**
 * Adds photos at the end, and puts the first of them on the stage, to be looked at.
 *
 * @param {State} state
 * @param {readonly Photo[]} photos
 * @returns {State}
 */
export function added(state, photos) {
  return { ...state, photos: [...state.photos, ...photos], chosen: photos[0]?.id ?? state.chosen, tool: "compare" };
}

/**
 * @param {State} state
 * @param {number} id
 * @param {Partial<Photo>} changes
 * @returns {State}
 */
export function changed(state, id, changes) {
  return { ...state, photos: state.photos.map((photo) => (photo.id === id ? { ...photo, ...changes } : photo)) };
}

/**
 * Takes a photo off the list; if it was on the stage, its neighbour takes its place.
 *
 * @param {State} state
 * @param {number} id
 * @returns {State}
 */
export function removed(state, id) {
  const at = state.photos.findIndex((photo) => photo.id === id);
  const photos = state.photos.filter((photo) => photo.id !== id);
  const neighbour = photos[Math.min(at, photos.length - 1)]?.id ?? null;
  return { ...state, photos, chosen: state.chosen === id ? neighbour : state.chosen };
}

/**
 * @param {State} state
 * @param {Stroke} stroke
 */
export const drawn = (state, stroke) =>
  edited(state, ({ strokes }) => ({ strokes: [...strokes, stroke], undone: [] }));

/** @param {State} state */
export const undone = (state) =>
  edited(state, (photo) => ({ strokes: photo.strokes.slice(0, -1), undone: [...photo.undone, ...photo.strokes.slice(-1)] }));

/** @param {State} state */
export const redone = (state) =>
  edited(state, (photo) => ({ strokes: [...photo.strokes, ...photo.undone.slice(-1)], undone: photo.undone.slice(0, -1) }));

/**
 * Takes all strokes back; they can be redone one by one.
 *
 * @param {State} state
 */
export const reset = (state) =>
  edited(state, (photo) => ({ strokes: [], undone: [...photo.undone, ...[...photo.strokes].reverse()] }));

/**
 * @param {State} state
 * @param {(photo: Photo) => Partial<Photo>} edit
 */
function edited(state, edit) {
  const photo = chosenPhoto(state);
  return photo ? changed(state, photo.id, edit(photo)) : state;
}
