/**
 * What lies behind the person.
 *
 * @import {Background} from "./photos.js"
 * @typedef {HTMLCanvasElement | ImageBitmap} Picture
 */
import { blank, decode, drawCovering, MOST_PIXELS } from "./canvas.js";

/** Blurs are made at about this size and enlarged: there is no finer detail in them. */
const WORKING_PIXELS = 1e6;
/** A blur's radius, in pixels, below which enlarging it would show. */
const FINEST_RADIUS = 4;
/** How far beside the person their own colours are still expected, as a share of the longer side. */
const RIM_SHARE = 0.002;
/** Multiples of the radius: near the person the narrow blur lacks colours, and shows the wider ones below. */
const REACHES = [12, 4, 1];
const DOUBLINGS = 5;

/**
 * Returns the background at the person's size or smaller, to be enlarged; null where there is none, or where it
 * cannot be made as the photo cannot be shown.
 *
 * @param {Background} background
 * @param {Picture | null} photo
 * @param {Picture} person  the cut-out, of the photo's size
 * @param {number} most  pixels that a picture needs
 * @returns {Promise<HTMLCanvasElement | null>}
 */
export async function backdrop(background, photo, person, most = MOST_PIXELS) {
  if (background.kind === "colour") return plain(background.colour);
  if (background.kind === "picture") return covering(background.picture, person, most);
  if (background.kind === "blur" && photo) return blurred(photo, person, radiusOf(background.share, person));
  return null;
}

/**
 * @param {number} share
 * @param {{width: number, height: number}} size
 */
export const radiusOf = (share, { width, height }) => Math.max(1, Math.round(share * Math.max(width, height)));

/** @param {string} colour */
function plain(colour) {
  const dot = blank(1, 1);
  dot.fillStyle = colour;
  dot.fillRect(0, 0, 1, 1);
  return dot.canvas;
}

/**
 * @param {Blob} file
 * @param {Picture} person
 * @param {number} most
 */
async function covering(file, person, most) {
  const picture = await decode(file, most);
  if (!picture) return null;
  const scale = Math.min(1, Math.sqrt(most / (person.width * person.height)));
  const target = blank(person.width * scale, person.height * scale);
  drawCovering(target, picture);
  picture.close();
  return target.canvas;
}

/**
 * Blurs the photo without the person, whose colours would else make a halo: a normalised convolution, in which the
 * division by the blurred weights is done by drawing the faint layer over itself.
 *
 * @param {Picture} photo
 * @param {Picture} person
 * @param {number} radius  standard deviation, in the person's pixels
 */
function blurred(photo, person, radius) {
  const { width, height } = person;
  const small = Math.max(Math.sqrt(WORKING_PIXELS / (width * height)), FINEST_RADIUS / radius);
  const scale = Math.min(1, small);
  const empty = withoutPerson(photo, person, scale, Math.min(radius, Math.max(1, RIM_SHARE * Math.max(width, height))));
  const target = blank(width * scale, height * scale);
  const { width: across, height: down } = target.canvas;
  target.drawImage(densened(shrunk(empty, 1 / Math.max(across, down))), 0, 0, across, down); // the mean colour
  for (const reach of REACHES) target.drawImage(densened(softened(empty, radius * scale * reach)), 0, 0);
  return target.canvas;
}

/**
 * @param {Picture} photo
 * @param {Picture} person
 * @param {number} scale
 * @param {number} rim  by which the person is grown, in the person's pixels
 */
function withoutPerson(photo, person, scale, rim) {
  const layer = blank(person.width * scale, person.height * scale);
  const { width, height } = layer.canvas;
  layer.drawImage(photo, 0, 0, width, height);
  layer.globalCompositeOperation = "destination-out";
  const steps = [-rim * scale, 0, rim * scale];
  for (const x of steps) for (const y of steps) layer.drawImage(person, x, y, width, height);
  return layer.canvas;
}

/**
 * @param {HTMLCanvasElement} layer
 * @param {number} radius
 */
function softened(layer, radius) {
  const { width, height } = layer;
  const soft = blank(width, height);
  const hasFilter = soft.filter !== undefined; // Safari's has not
  if (hasFilter) soft.filter = `blur(${radius}px)`;
  soft.imageSmoothingQuality = "high";
  soft.drawImage(hasFilter ? layer : shrunk(layer, 1 / Math.max(1, radius)), 0, 0, width, height);
  return soft.canvas;
}

/**
 * Halves step by step: one large step would skip pixels.
 *
 * @param {HTMLCanvasElement} layer
 * @param {number} scale
 * @returns {HTMLCanvasElement}
 */
function shrunk(layer, scale) {
  const step = Math.max(0.5, scale);
  if (step >= 1) return layer;
  const smaller = blank(layer.width * step, layer.height * step);
  smaller.drawImage(layer, 0, 0, smaller.canvas.width, smaller.canvas.height);
  return shrunk(smaller.canvas, scale / step);
}

/** @param {HTMLCanvasElement} layer */
function densened(layer) {
  const dense = blank(layer.width, layer.height);
  dense.drawImage(layer, 0, 0);
  for (let time = 0; time < DOUBLINGS; time += 1) dense.drawImage(dense.canvas, 0, 0);
  return dense.canvas;
}
