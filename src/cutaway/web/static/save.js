/**
 * The pictures to keep. Where nothing was painted the server makes them, in the photo's own depth and colours; else
 * they are made here, in sRGB with 8 bits a channel.
 *
 * @import {Options} from "./api.js"
 * @import {Background, Photo} from "./photos.js"
 * @typedef {"png" | "webp" | "jpg"} Format
 */
import { cutOut, Problem } from "./api.js";
import { backdrop, radiusOf } from "./backdrop.js";
import { blank, decode, encode } from "./canvas.js";
import { paint } from "./strokes.js";
import { LARGEST, zip } from "./zip.js";

const TYPES = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };

/**
 * @param {Photo} photo  which has its cut-out
 * @param {Background} background
 * @param {Format} format
 * @returns {Promise<Blob>}
 */
export async function picture(photo, background, format) {
  if (photo.strokes.length) return encode(await painted(photo, background), TYPES[format]);
  if (photo.cutout && background.kind === "transparent" && format === "png") return photo.cutout.blob;
  return (await cutOut(photo.file, { ...optionsOf(photo, background), format })).blob;
}

/**
 * @param {readonly Photo[]} photos
 * @param {Background} background
 * @param {Format} format
 * @returns {Promise<Blob>}
 */
export async function archive(photos, background, format) {
  const entries = [];
  const names = distinct(photos.map((photo) => nameOf(photo, format)));
  for (const [index, photo] of photos.entries()) {
    entries.push({ name: names[index] ?? "", blob: await picture(photo, background, format) });
  }
  const archived = await zip(entries);
  if (archived.size > LARGEST) throw new Problem("too-large-zip");
  return archived;
}

/**
 * @param {Photo} photo
 * @param {Format} format
 */
export const nameOf = (photo, format) => `${photo.file.name.replace(/\.[^.]+$/, "")}-cutout.${format}`;

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // browsers may still read from it
}

/**
 * Tells names apart that are the same, also where case does not count: a.png, a-2.png.
 *
 * @param {readonly string[]} names
 */
export function distinct(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count += 1) free = name.replace(/(\.[^.]+)$/, `-${count}$1`);
    taken.add(free.toLowerCase());
    return free;
  });
}

/**
 * @param {Photo} photo
 * @param {Background} background
 * @returns {Options}
 */
function optionsOf({ cutout }, background) {
  if (background.kind === "colour") return { background: background.colour };
  if (background.kind === "picture") return { background: background.picture };
  if (background.kind === "blur" && cutout) return { background: `blur:${radiusOf(background.share, cutout)}` };
  return {};
}

/**
 * @param {Photo} photo
 * @param {Background} background
 */
async function painted({ file, cutout, strokes }, background) {
  const cut = cutout && (await decode(cutout.blob));
  if (!cutout || !cut) throw new Problem("undecodable");
  const original = await decode(file);
  const person = blank(cut.width, cut.height);
  person.drawImage(cut, 0, 0);
  for (const stroke of strokes) paint(person, stroke, original, cut.width / cutout.width);
  const behind = await backdrop(background, original, person.canvas);
  if (!behind && background.kind !== "transparent") throw new Problem("undecodable");
  person.globalCompositeOperation = "destination-over";
  if (behind) person.drawImage(behind, 0, 0, cut.width, cut.height);
  cut.close();
  original?.close();
  return person.canvas;
}
