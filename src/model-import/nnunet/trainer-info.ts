import { z } from 'zod';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import type { PickleValue } from '../pickle/pickle-value.ts';
import { entryOf, toPlain } from '../pickle/to-plain.ts';
import { unpickle } from '../pickle/unpickle.ts';

/** A checkpoint's pkl file: which trainer wrote it, for which stage of which plans. */
export interface TrainerInfo {
  /** Class of the trainer. */
  readonly trainer: string;
  readonly stage: number;
  /** Path of the plans on the machine of the training, and the folder written to: names are in them. */
  readonly plansFile: string;
  readonly outputFolder: string;
  readonly plans: PickleValue;
}

/**
 * What trainers change that neither plans nor parameters show: activation, normalization layers without or
 * with other arithmetic, residual encoders, further input channels, mirroring. The network would run, and be
 * wrong.
 */
const CHANGED_TRAINERS = /relu|gelu|mish|_BN|_GN|_FRN|NoNormalization|resenc|cascade|noMirroring/i;

const text = z.string().min(1);
const stageNumber = z.int().nonnegative().nullable();

/** The trainer's arguments: plans file, fold, output folder, dataset folder, batch dice, stage, ... */
const init = z.tuple([text, z.unknown(), text, text, z.unknown(), stageNumber], z.unknown());
/** The trainer for several GPUs has its local rank after the fold. */
const initDistributed = z.tuple(
  [text, z.unknown(), z.number(), text, text, z.unknown(), stageNumber],
  z.unknown(),
);

const schema = z.object({
  name: z.string(),
  init: z.union([
    init.transform(([plansFile, , outputFolder, , , stage]) => ({ plansFile, outputFolder, stage })),
    initDistributed.transform(([plansFile, , , outputFolder, , , stage]) => ({
      plansFile,
      outputFolder,
      stage,
    })),
  ]),
});

/** @throws {SegmentationError} CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED, PLANS_INVALID */
export function readTrainerInfo(bytes: Uint8Array, file: string): TrainerInfo {
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', `${file}: ${message}`);
  const { value } = unpickle(bytes, { subject: file });
  const parsed = schema.safeParse({
    name: toPlain(entryOf(value, 'name')),
    init: toPlain(entryOf(value, 'init')),
  });
  if (!parsed.success)
    throw wrong(
      `expected name and init of a trainer, as nnU-Net v1 writes them:\n${z.prettifyError(parsed.error)}`,
    );
  const { name: trainer, init: settings } = parsed.data;
  if (CHANGED_TRAINERS.test(trainer))
    throw wrong(
      `the trainer ${trainer} changes the network or its use in a way that its files do not show; ` +
        'expected one like nnUNetTrainerV2 or nnTransUNetTrainerV2',
    );
  const plans = entryOf(value, 'plans');
  const stages = entryOf(plans, 'plans_per_stage');
  if (!(plans instanceof Map) || !(stages instanceof Map)) throw wrong('expected plans with plans_per_stage');
  const numbers = [...stages.keys()].filter((key) => typeof key === 'number');
  const stage = settings.stage ?? (numbers.length === 1 ? numbers[0] : undefined);
  if (stage === undefined || !numbers.includes(stage))
    throw wrong(
      `the trainer's stage is ${String(settings.stage)}; the plans have ${numbers.join(', ') || 'none'}`,
    );
  return { trainer, stage, plansFile: settings.plansFile, outputFolder: settings.outputFolder, plans };
}
