/** Thumbnails are made one at a time: a hundred photos decoded at once would fill the memory. */
import { context, decode, drawCovering } from "../canvas.js";

const SIDE = 112;

let turn = Promise.resolve();

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Blob} blob
 */
export function drawThumbnail(canvas, blob) {
  const draw = async () => {
    const picture = await decode(blob, 4 * SIDE * SIDE);
    if (!picture) return;
    canvas.width = canvas.height = SIDE;
    drawCovering(context(canvas), picture);
    picture.close();
  };
  turn = turn.then(draw).catch(() => {}); // without one a photo keeps its name, and the next has its turn
}
