import type { Router } from 'express';
import type { Config } from '../config.ts';
import type { ImageArchive } from '../dicom/image-archive.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';

/** What the node lends to commands of other processes that are done inside of it. */
export interface NodeParts {
  readonly config: Config;
  readonly database: Database;
  readonly archive: () => Promise<ImageArchive>;
  readonly queue: () => Promise<StudyQueue>;
  /**
   * Drops images of these results (SOP Instance UIDs of their reports) from memory. A command alone has none.
   */
  readonly forgetImages?: (reports: readonly string[]) => void;
  readonly warn: (fields: object, message: string) => void;
}

/** POST /NAME for each such command. */
export type CommandRoutes = (parts: NodeParts) => Router;
