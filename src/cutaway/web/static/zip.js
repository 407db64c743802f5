/**
 * ZIP archives that store their files as they are: PNG, WebP and JPEG do not get smaller. Format: PKWARE's APPNOTE,
 * without ZIP64.
 *
 * @typedef {{name: string, blob: Blob}} Entry
 * @typedef {{name: Uint8Array, blob: Blob, crc: number, offset: number}} Stored
 */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8 = 1 << 11;

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Bytes that an archive may have, headers included. */
export const LARGEST = 0xffffffff;

/**
 * @param {readonly Entry[]} entries
 * @returns {Promise<Blob>}
 */
export async function zip(entries) {
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {Stored[]} */
  const stored = [];
  let offset = 0;
  for (const { name, blob } of entries) {
    const file = { name: new TextEncoder().encode(name), blob, crc: crc32(await bytesOf(blob)), offset };
    const header = bytes([LOCAL, 4], ...facts(file), file.name);
    stored.push(file);
    parts.push(header, blob);
    offset += header.length + blob.size;
  }
  const directory = stored.map(directoryEntry);
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  return new Blob([...parts, ...directory, end(stored.length, size, offset)], { type: "application/zip" });
}

/**
 * @param {Uint8Array} data
 * @returns {number}
 */
export function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ /** @type {number} */ (TABLE[(crc ^ byte) & 0xff]);
  return ~crc >>> 0;
}

/** @param {Blob} blob */
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/**
 * The fields that stand both before the file and in the directory.
 *
 * @param {Stored} file
 * @returns {[number, number][]}
 */
function facts({ name, blob, crc }) {
  const [date, time] = dosTime(new Date());
  return [[VERSION, 2], [UTF8, 2], [0, 2], [time, 2], [date, 2], [crc, 4], [blob.size, 4], [blob.size, 4], [name.length, 2], [0, 2]];
}

/** @param {Stored} file */
const directoryEntry = (file) =>
  bytes([CENTRAL, 4], [VERSION, 2], ...facts(file), [0, 2], [0, 2], [0, 2], [0, 4], [file.offset, 4], file.name);

/**
 * @param {number} count
 * @param {number} size  of the directory, in bytes
 * @param {number} offset  of the directory
 */
const end = (count, size, offset) =>
  bytes([END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);

/**
 * @param {Date} at
 * @returns {[number, number]}
 */
function dosTime(at) {
  const date = ((at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate();
  return [date, (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1)];
}

/** @param {([value: number, size: number] | Uint8Array)[]} fields  little-endian numbers, or bytes */
function bytes(...fields) {
  return Uint8Array.from(
    fields.flatMap((field) => {
      if (field instanceof Uint8Array) return [...field];
      const [value, size] = field;
      return Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 0xff);
    }),
  );
}
