import { z } from 'zod';
import { MODES, type Mode } from '../../inference-mode.ts';
import { option } from './field.ts';

/** How a command's images are segmented. */
export const modeOption = (standard: Mode) =>
  option(
    '--mode <mode>',
    `exact: what the original does; fast: windows on the organ alone; quick: the same without mirroring`,
    z.enum(MODES).default(standard),
  );
