import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../coded-error.ts';
import { type IdentifiedFile, type InstanceIdentity, identifyFile } from './instance-identity.ts';
import { IntakeError } from './intake-error.ts';

/**
 * Who sent an instance. After a restart this is read from the spool file's name and file meta information.
 */
export interface InstanceSource {
  readonly kind: 'stow' | 'dimse';
  readonly callingAeTitle?: string | undefined;
}

/**
 * An instance that has come in whole. It is safe once `keep` was called, and lost with the process until
 * then.
 */
export interface HeldInstance extends InstanceIdentity {
  readonly file: string;
  readonly size: number;
  readonly source: InstanceSource;
}

/** An instance that was acknowledged to its sender and waits to be sent to the archive. */
export interface SpooledInstance extends HeldInstance {
  readonly since: Date;
}

export interface SpoolLimits {
  readonly maxInstanceBytes: number;
  /** Of all files of the spool together, refused ones too. */
  readonly maxSpoolBytes: number;
  /** Bytes that stay free on the disk, whatever is sent. */
  readonly minFreeBytes: number;
}

export interface SpoolFigures {
  readonly waiting: number;
  /** Instances that the archive refuses: a person has to look. */
  readonly refused: number;
  readonly bytes: number;
  readonly oldestSince: Date | undefined;
}

export interface SpoolOptions {
  readonly folder: string;
  readonly limits: SpoolLimits;
  readonly now: () => Date;
  /** Told of files that cannot be used, and why. */
  readonly onProblem: (message: string, error: unknown) => void;
}

/** Further conditions on an instance; throws IntakeError. */
export type Expectation = (file: IdentifiedFile) => void;

/** The disk is looked at again after so many bytes of one instance. */
const DISK_CHECK_BYTES = 64 * 1024 * 1024;
const SYNCED_TOGETHER = 16;
const TAKEN_UP_TOGETHER = 16;

/**
 * Instances on their way from a sender to the archive, as files: `ready/<our id>.<kind>.dcm`. No DICOM value
 * is ever part of a path. A sender is told "stored" when the whole file and its name are on the disk (fsync):
 * from then on a kill, a power failure or an archive that is down for days delays the instance, but does not
 * lose it. What was not yet told so lies below `incoming/` and is removed at the next start: the sender sends
 * it again. What the archive refuses for good lies below `refused/` until a person has looked and deleted it.
 *
 * Memory sets no limit: an instance passes from the network to the disk in pieces. The disk is bounded by
 * `maxSpoolBytes` and `minFreeBytes`; where one is reached, senders are told to come back later.
 */
export class Spool {
  readonly #folder: string;
  readonly #limits: SpoolLimits;
  readonly #now: () => Date;
  readonly #onProblem: SpoolOptions['onProblem'];
  readonly #waiting = new Map<string, SpooledInstance>();
  readonly #changes = new EventEmitter();
  /** Files that the archive refuses; people look at them and delete them, at any time. */
  #refused = { count: 0, bytes: 0 };
  /** Of waiting files, and of what is being received. */
  #bytes = 0;

  private constructor({ folder, limits, now, onProblem }: SpoolOptions) {
    this.#folder = folder;
    this.#limits = limits;
    this.#now = now;
    this.#onProblem = onProblem;
  }

  /**
   * Opens the folder, or makes it, and takes up what a process before has left there. One process at a time.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    await rm(spool.#path('incoming'), { recursive: true, force: true });
    for (const part of ['incoming', 'ready', 'refused'] as const) {
      await mkdir(spool.#path(part), { recursive: true });
    }
    const names = await readdir(spool.#path('ready'));
    const found: SpooledInstance[] = [];
    for (let at = 0; at < names.length; at += TAKEN_UP_TOGETHER) {
      const some = names.slice(at, at + TAKEN_UP_TOGETHER).map((name) => spool.#takeUp(name));
      found.push(...(await Promise.all(some)).filter((instance) => instance !== undefined));
    }
    found.sort((a, b) => a.since.getTime() - b.since.getTime());
    for (const instance of found) spool.#waiting.set(instance.file, instance);
    await spool.#measureRefused();
    return spool;
  }

  get figures(): SpoolFigures {
    const [oldest] = this.#waiting.values();
    return {
      waiting: this.#waiting.size,
      refused: this.#refused.count,
      bytes: this.#bytes + this.#refused.bytes,
      oldestSince: oldest?.since,
    };
  }

  /** What waits, the oldest first. */
  get waiting(): SpooledInstance[] {
    return [...this.#waiting.values()];
  }

  /** Resolves when an instance has come in. */
  async added(signal: AbortSignal): Promise<void> {
    await once(this.#changes, 'added', { signal });
  }

  /**
   * Whether there is room, before anything is read of a request.
   * @throws IntakeError full
   */
  async checkRoom(): Promise<void> {
    if (this.figures.bytes >= this.#limits.maxSpoolBytes) await this.#measureRefused();
    if (this.figures.bytes >= this.#limits.maxSpoolBytes) throw this.#full();
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize;
    if (free > this.#limits.minFreeBytes) return;
    throw new IntakeError('full', `${free} bytes are free on the disk of the spool: too little to take more`);
  }

  /**
   * Takes one instance in. It has to be kept or dropped then.
   * @throws IntakeError; then nothing of it is left
   */
  async receive(
    content: AsyncIterable<Uint8Array>,
    source: InstanceSource,
    expectation: Expectation = () => undefined,
  ): Promise<HeldInstance> {
    const file = this.#path('incoming', randomUUID());
    let written = 0;
    try {
      const handle = await open(file, 'wx');
      try {
        for await (const chunk of content) {
          if (written % DISK_CHECK_BYTES < chunk.length) await this.checkRoom();
          written += chunk.length;
          this.#bytes += chunk.length;
          this.#checkSize(written);
          await writeAll(handle, chunk);
        }
      } finally {
        await handle.close();
      }
      const identified = await identifyFile(file);
      expectation(identified);
      return { ...identified.identity, file, size: written, source };
    } catch (error) {
      this.#bytes -= written;
      await rm(file, { force: true });
      throw asRefusal(error);
    }
  }

  /**
   * When this resolves, the instances are safe and on their way to the archive; when it rejects, none is
   * left.
   * @throws IntakeError full
   */
  async keep(instances: readonly HeldInstance[]): Promise<void> {
    const kept: SpooledInstance[] = [];
    try {
      // All at once, so that the disk serves several waiting syncs together.
      for (let at = 0; at < instances.length; at += SYNCED_TOGETHER) {
        await Promise.all(instances.slice(at, at + SYNCED_TOGETHER).map(({ file }) => sync(file, 'r+')));
      }
      for (const instance of instances) {
        const file = this.#path('ready', `${randomUUID()}.${instance.source.kind}.dcm`);
        await rename(instance.file, file);
        kept.push({ ...instance, file, since: this.#now() });
      }
      // Syncs the folder, so that the new names survive a power failure. Windows cannot open folders.
      if (process.platform !== 'win32') await sync(this.#path('ready'), 'r');
    } catch (error) {
      for (const { file } of kept) await rm(file, { force: true });
      await this.drop(instances);
      throw asRefusal(error); // some file systems find out only now that they are full
    }
    for (const instance of kept) this.#waiting.set(instance.file, instance);
    if (kept.length > 0) this.#changes.emit('added');
  }

  /** The sender is not told that they were stored. */
  async drop(instances: readonly HeldInstance[]): Promise<void> {
    for (const { file, size } of instances) {
      await rm(file, { force: true });
      this.#bytes -= size;
    }
  }

  /** The archive has it: the file is no longer needed. */
  async remove({ file, size }: SpooledInstance): Promise<void> {
    await rm(file, { force: true });
    if (this.#waiting.delete(file)) this.#bytes -= size;
  }

  /** The archive will not take it, however often it is sent: keeps it aside. */
  async refuse({ file, size }: SpooledInstance): Promise<void> {
    await rename(file, this.#path('refused', path.basename(file)));
    if (this.#waiting.delete(file)) this.#bytes -= size;
    await this.#measureRefused();
  }

  async #takeUp(name: string): Promise<SpooledInstance | undefined> {
    const file = this.#path('ready', name);
    const kind = /\.(stow|dimse)\.dcm$/.exec(name)?.[1];
    try {
      if (kind !== 'stow' && kind !== 'dimse') throw new Error('its name is none that the spool gives');
      const { identity, size, sourceAeTitle } = await identifyFile(file);
      const callingAeTitle = kind === 'dimse' ? sourceAeTitle : undefined;
      const { mtime } = await stat(file);
      this.#bytes += size;
      return { ...identity, file, size, source: { kind, callingAeTitle }, since: mtime };
    } catch (error) {
      // A disk that lost a part of it, or somebody else's file.
      this.#onProblem(`${file} is no instance that can be sent on, and is kept aside`, error);
      await rename(file, this.#path('refused', name));
      return undefined;
    }
  }

  async #measureRefused(): Promise<void> {
    const names = await readdir(this.#path('refused'));
    // Somebody may delete one just now.
    const sizes = names.map((name) => stat(this.#path('refused', name)).catch(() => ({ size: 0 })));
    const bytes = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
    this.#refused = { count: names.length, bytes };
  }

  #checkSize(written: number): void {
    const { maxInstanceBytes, maxSpoolBytes } = this.#limits;
    if (written > maxInstanceBytes) {
      throw new IntakeError('too-large', `more than ${maxInstanceBytes} bytes`);
    }
    if (this.#bytes + this.#refused.bytes > maxSpoolBytes) throw this.#full();
  }

  #full(): IntakeError {
    const { maxSpoolBytes } = this.#limits;
    return new IntakeError(
      'full',
      `the spool holds its limit of ${maxSpoolBytes} bytes that wait for the archive`,
    );
  }

  #path(...parts: ['incoming' | 'ready' | 'refused', ...string[]]): string {
    return path.join(this.#folder, ...parts);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    offset += (await file.write(bytes, offset)).bytesWritten;
  }
}

function asRefusal(error: unknown): unknown {
  const isDiskFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
  return isDiskFull ? new IntakeError('full', 'the disk of the spool is full', {}, { cause: error }) : error;
}

async function sync(file: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(file, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
