import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PartTooLarge } from '../dicom/web/store-request.ts';
import { headerOf } from './header-pool.ts';
import { type InstanceHeader, parseHeader, UnreadableInstance } from './instance-header.ts';

/** Added to the name of a file that is no instance, or no longer one. */
const ASIDE = '.unreadable';

/**
 * Instances as files: `instances/ab/<sha256 of the SOP instance UID>.dcm`, and beside it a `.json` with its
 * header, which is made again where it is missing; an
 * unreadable one gets another name. No DICOM value is ever part of a path.
 */
export class InstanceFiles {
  readonly #instances: string;
  readonly #incoming: string;

  private constructor(folder: string) {
    this.#instances = path.join(folder, 'instances');
    this.#incoming = path.join(folder, 'incoming');
  }

  /** Makes the folder where there is none, and removes what an interrupted write left. */
  static async open(folder: string): Promise<InstanceFiles> {
    const files = new InstanceFiles(folder);
    await mkdir(files.#instances, { recursive: true });
    await rm(files.#incoming, { recursive: true, force: true });
    await mkdir(files.#incoming);
    return files;
  }

  /**
   * Headers of all instances.
   * @param onUnreadable called with path and reason for each file that is no instance, or no longer one
   */
  async *headers(onUnreadable: (file: string, reason: unknown) => void): AsyncGenerator<InstanceHeader> {
    for (const folder of await readdir(this.#instances)) {
      for (const name of await readdir(path.join(this.#instances, folder))) {
        if (!name.endsWith('.dcm')) continue;
        const file = path.join(this.#instances, folder, name);
        try {
          yield await this.#headerOfFile(file);
        } catch (reason) {
          // What cannot be read now cannot be read at the next start either: it is not tried again.
          if (reason instanceof UnreadableInstance) await rename(file, `${file}${ASIDE}`);
          onUnreadable(file, reason);
        }
      }
    }
  }

  /**
   * Takes bytes in, to be put or dropped; they survive a power failure when they are put.
   * @returns path of the file
   * @throws PartTooLarge
   */
  async receive(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
    const incoming = path.join(this.#incoming, randomUUID());
    try {
      const handle = await open(incoming, 'wx');
      try {
        let size = 0;
        for await (const chunk of content) {
          size += chunk.length;
          if (size > maxBytes) throw new PartTooLarge(`has a part of more than ${maxBytes} bytes`);
          await handle.writeFile(chunk);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      return incoming;
    } catch (error) {
      await this.drop(incoming);
      throw error;
    }
  }

  async drop(incoming: string): Promise<void> {
    await rm(incoming, { force: true });
  }

  /** Puts a received file and its header in place; a crash leaves the whole instance or nothing. */
  async put(incoming: string, sopUid: string, headerJson: string): Promise<void> {
    const file = this.#path(sopUid);
    await mkdir(path.dirname(file), { recursive: true });
    // The header goes first: without its instance it does no harm. It need not survive a power failure, as it
    // can be made again.
    await this.#writeHeader(file, headerJson);
    await rename(incoming, file);
    await syncFolder(path.dirname(file));
  }

  /** The instance's bytes, in pieces. */
  stream(sopUid: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.#path(sopUid));
  }

  read(sopUid: string): Promise<Buffer> {
    return readFile(this.#path(sopUid));
  }

  readHeader(sopUid: string): Promise<InstanceHeader> {
    return this.#headerOfFile(this.#path(sopUid));
  }

  async #headerOfFile(file: string): Promise<InstanceHeader> {
    const json = await readFile(headerPath(file), 'utf8').catch(() => '');
    const { size } = await stat(file);
    const known = parseHeader(json);
    if (known && known.size === size && this.#path(known.sopUid) === file) return known;
    const { header, json: made } = await headerOf(file);
    if (this.#path(header.sopUid) !== file)
      throw new Error('its name does not belong to its SOP instance UID');
    await this.#writeHeader(file, made);
    return parseHeader(made) ?? header;
  }

  /** The header's file has all of it or does not exist. */
  async #writeHeader(file: string, json: string): Promise<void> {
    const incoming = path.join(this.#incoming, randomUUID());
    try {
      await writeFile(incoming, json, { flag: 'wx' });
      await rename(incoming, headerPath(file));
    } catch (error) {
      await this.drop(incoming);
      throw error;
    }
  }

  #path(sopUid: string): string {
    const hash = createHash('sha256').update(sopUid).digest('hex');
    return path.join(this.#instances, hash.slice(0, 2), `${hash}.dcm`);
  }
}

function headerPath(file: string): string {
  return `${file.slice(0, -'.dcm'.length)}.json`;
}

/** Syncs the folder, so that the new name survives a power failure. Windows cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
