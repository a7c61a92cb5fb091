import type { z } from 'zod';
import type { Config } from '../../config.ts';
import type { DicomWebClient } from '../../dicom/web/client.ts';
import type { StudyQueue } from '../../queue/study-queue.ts';
import type { Database } from '../../store/database/sql.ts';

/** What is done, on what, and how much of it. */
interface CommandProgress {
  readonly stage: string;
  readonly subject: string;
  readonly done?: number;
  readonly total?: number;
}

/** What a command works with, in a process of its own or inside of the running node. */
export interface CommandParts {
  readonly config: Config;
  readonly database: Database;
  readonly archive: () => Promise<DicomWebClient>;
  readonly queue: () => Promise<StudyQueue>;
  /** A line of the result. */
  readonly print: (line: string) => void;
  readonly onProgress: (progress: CommandProgress) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly signal: AbortSignal;
}

/** A command that works beside a running node: by itself where none runs on the database, else inside of that node. */
export interface NodeCommand<Options> {
  readonly name: string;
  readonly options: z.ZodType<Options>;
  readonly run: (options: Options, parts: CommandParts) => Promise<void>;
}

export const defineCommand = <Options>(command: NodeCommand<Options>): NodeCommand<Options> => command;
