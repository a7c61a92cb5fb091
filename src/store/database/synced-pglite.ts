import { fsyncSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { z } from 'zod';

/** Turns fsync off in PGlite's own parameters. */
const NO_SYNC = '-F';
/** The other methods of WAL syncing end in calls that Emscripten leaves undone. */
const SYNC_BY_FSYNC = ['-c', 'wal_sync_method=fsync'];

/** What of Emscripten's file system is completed here. */
const moduleSchema = z.object({
  NODEFS: z.object({ stream_ops: z.custom<Record<string, unknown>>((value) => typeof value === 'object') }),
});
const streamSchema = z.object({ nfd: z.number() });

/** Emscripten's view of a folder, with the one operation that it lacks. */
class SyncedFiles extends NodeFS {
  readonly #sync: (file: number) => void;

  constructor(folder: string, sync: (file: number) => void) {
    super(folder);
    this.#sync = sync;
  }

  override async init(...options: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(...options);
    const addSync = (module: unknown): void => {
      moduleSchema.parse(module).NODEFS.stream_ops['fsync'] = (stream: unknown) => {
        this.#sync(streamSchema.parse(stream).nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addSync] } };
  }
}

/**
 * PGlite on a folder, where what is committed is on the disk: it survives a power failure, as on a PostgreSQL
 * server. As it comes, PGlite never syncs a file: neither asks PostgreSQL for it, nor would Emscripten do it.
 * @param sync puts an open file on the disk
 */
export function openSyncedPglite(folder: string, sync: (file: number) => void = fsyncSync): Promise<PGlite> {
  const startParams = [...PGlite.defaultStartParams.filter((one) => one !== NO_SYNC), ...SYNC_BY_FSYNC];
  return PGlite.create({ fs: new SyncedFiles(folder, sync), startParams });
}
