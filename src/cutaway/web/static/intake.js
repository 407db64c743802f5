/**
 * The ways by which files come in: drop, paste and chooser.
 *
 * @typedef {(files: File[]) => void} Taker
 */
const PHOTO = /\.(jpe?g|png|webp|avif|hei[cf]|tiff?|gif|bmp)$/i;

/**
 * Makes the whole page a target: of files, and of folders with all that is in them.
 *
 * @param {Taker} take
 */
export function acceptDrops(take) {
  let depth = 0;
  const show = () => document.body.classList.toggle("dragging", depth > 0);
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    show();
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    take(await dropped(event.dataTransfer));
  });
}

/** @param {Taker} take */
export function acceptPaste(take) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
}

/**
 * @param {HTMLInputElement} chooser
 * @param {Taker} take
 */
export function acceptChoice(chooser, take) {
  chooser.addEventListener("change", () => {
    take([...(chooser.files ?? [])]);
    chooser.value = ""; // so that the same file can be chosen again
  });
}

/** @param {DragEvent} event */
const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/**
 * @param {DataTransfer | null} transfer
 * @returns {Promise<File[]>}
 */
async function dropped(transfer) {
  // Entries and files have to be asked for at once: the transfer is empty after the event.
  const items = [...(transfer?.items ?? [])].filter((item) => item.kind === "file");
  const found = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const files = await Promise.all(found.map(({ entry, file }) => (isFolder(entry) ? filesIn(entry) : file ? [file] : [])));
  return files.flat();
}

/**
 * @param {FileSystemEntry | null} entry
 * @returns {entry is FileSystemDirectoryEntry}
 */
const isFolder = (entry) => entry?.isDirectory ?? false;

/**
 * Returns the photos in a folder, by their endings: a folder also holds what nobody meant.
 *
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<File[]>}
 */
async function filesIn(folder) {
  const files = await Promise.all((await entriesOf(folder)).map((entry) => (isFolder(entry) ? filesIn(entry) : fileOf(entry))));
  return files.flat().filter((file) => PHOTO.test(file.name));
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[]>}
 */
async function entriesOf(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return entries;
    entries.push(...some);
  }
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
const fileOf = (entry) =>
  new Promise((resolve, reject) => {
    /** @type {FileSystemFileEntry} */ (entry).file((file) => resolve([file]), reject);
  });
