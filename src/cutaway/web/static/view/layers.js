/**
 * The canvases of the photo on the stage. Only its pixels are held; the other photos are files.
 *
 * @import {Context} from "../canvas.js"
 * @import {Background, Cutout, Stroke} from "../photos.js"
 */
import { backdrop } from "../backdrop.js";
import { context, decode } from "../canvas.js";
import { byId } from "../dom.js";
import { paint } from "../strokes.js";

/** The screen shows no more of a background picture. */
const PICTURE_PIXELS = 2e6;
const NOTHING = { width: 1, height: 1 };

export function createLayers() {
  const before = context(byId("before", HTMLCanvasElement));
  const person = context(byId("person", HTMLCanvasElement));
  const behind = context(byId("behind", HTMLCanvasElement));
  /** @type {ImageBitmap | null} */
  let cut = null;
  /** @type {readonly Stroke[]} */
  let painted = [];
  let stamped = 0; // stamps of the last stroke
  let scale = 1;

  const hasBefore = () => before.canvas.width > 1;

  function wipe() {
    person.globalCompositeOperation = "copy";
    if (cut) person.drawImage(cut, 0, 0);
    person.globalCompositeOperation = "source-over";
    painted = [];
    stamped = 0;
  }

  return {
    /** Returns whether the browser can show the photo as it was. */
    hasBefore,

    /**
     * Shows a photo without its cut-out.
     *
     * @param {Blob} file
     * @returns {Promise<{width: number, height: number} | null>}
     */
    async open(file) {
      const bitmap = await decode(file);
      for (const layer of [before, person, behind]) blanked(layer);
      cut?.close();
      cut = null;
      painted = [];
      if (!bitmap) return null;
      const { width, height } = bitmap;
      blanked(before, bitmap).drawImage(bitmap, 0, 0);
      bitmap.close();
      return { width, height };
    },

    /**
     * Adds the cut-out, and returns the size at which it is worked on: where it is very large that is a smaller one.
     *
     * @param {Cutout} cutout
     */
    async place(cutout) {
      cut = await decode(cutout.blob);
      if (!cut) throw new Error("the server's picture cannot be read");
      blanked(person, cut);
      scale = cut.width / cutout.width;
      // A browser that turns the photo otherwise than the server did has nothing to compare.
      if (before.canvas.width !== cut.width || before.canvas.height !== cut.height) blanked(before);
      wipe();
      return { width: cut.width, height: cut.height };
    },

    /**
     * Brings the strokes onto the person; those that are there already are left as they are.
     *
     * @param {readonly Stroke[]} strokes  of which the last may have grown
     */
    paint(strokes) {
      if (painted.some((stroke, index) => stroke !== strokes[index])) wipe();
      for (const [index, stroke] of strokes.entries()) {
        if (index < painted.length - 1) continue;
        const first = index === painted.length - 1 ? stamped : 0;
        stamped = paint(person, stroke, before.canvas, scale, first);
      }
      painted = strokes;
    },

    /** @param {Background} background */
    async fill(background) {
      const picture = await backdrop(background, hasBefore() ? before.canvas : null, person.canvas, PICTURE_PIXELS);
      blanked(behind, picture ?? NOTHING);
      if (picture) behind.drawImage(picture, 0, 0);
    },
  };
}

/**
 * @param {Context} layer
 * @param {{width: number, height: number}} size
 */
function blanked(layer, { width, height } = NOTHING) {
  Object.assign(layer.canvas, { width, height });
  return layer;
}
