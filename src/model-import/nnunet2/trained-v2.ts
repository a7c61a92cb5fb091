import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describeDynamicNetwork } from '../../segmentation/architecture/describe-dynamic.ts';
import type {
  DynamicArchitecture,
  DynamicPlan,
} from '../../segmentation/architecture/dynamic-architecture.ts';
import { writeDynamicNetwork } from '../../segmentation/onnx/write-dynamic.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { factsOf } from '../facts.ts';
import { numberedFolds, type TrainedFolder } from '../find-trained.ts';
import { CITATIONS, recordFolds } from '../source-record.ts';
import type { Fact, FoundFold, TrainedModel, TrainedNetwork } from '../trained-model.ts';
import { type GivenFile, MAX_PLANS_BYTES, type TrainingFiles } from '../training-files.ts';
import { type CheckpointFacts, openSecondCheckpoint, type SecondCheckpoint } from './checkpoint.ts';
import { chooseLabel, type Dataset, readDataset } from './dataset.ts';
import { readSecondPlans, type SecondPlans } from './plans-json.ts';
import { networkOfTrainer } from './trainers.ts';

const FINAL = 'checkpoint_final.pth';

interface Options {
  /** The checkpoints' name, where it isn't checkpoint_final.pth. */
  readonly checkpoint: string | undefined;
  /** Which one is the pancreas. */
  readonly label: string | undefined;
  readonly postprocessing: GivenFile | undefined;
  /** Beside this, an archive's checkpoint is unpacked to be looked at. */
  readonly besides: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * What nnU-Net v2 trained, or PanSegNet's port to it.
 *
 * @throws {SegmentationError} IMPORT_SOURCE, PLANS_INVALID, CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED,
 *   CHECKPOINT_ARCHITECTURE
 */
export async function readTrainedV2(
  files: TrainingFiles,
  found: TrainedFolder,
  { checkpoint, label, postprocessing, besides, signal }: Options,
): Promise<TrainedModel> {
  if (postprocessing)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${postprocessing.where}: postprocessing is not done for models of nnU-Net v2, whose own prediction ` +
        'does none either, and whose components hang together over corners too; leave --postprocessing out',
    );
  const { folds, notes } = chooseFolds(files, found, checkpoint);
  const given = async (name: string) => {
    const file = path.posix.join(found.root, name);
    if (files.paths.includes(file)) return files.given(file, MAX_PLANS_BYTES);
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${path.join(files.source, file)} is not there; expected it beside the folds, as nnU-Net v2 leaves it`,
    );
  };
  const [plansFile, datasetFile] = [await given('plans.json'), await given('dataset.json')];
  const facts = await readFirst(files, folds, besides, signal);
  const where = path.join(files.source, folds[0].checkpoint);
  const builder = networkOfTrainer(facts.trainer, where);
  const plans = readSecondPlans(plansFile.bytes, facts.configuration, builder, plansFile.where);
  const dataset = readDataset(datasetFile.bytes, datasetFile.where);
  const pancreas = chooseLabel(dataset.labels, label, datasetFile.where);
  const network: DynamicPlan = {
    ...plans.network,
    inputChannels: 1,
    classes: dataset.labels.length,
    patchSize: plans.patchSize,
  };
  const settings = settingsOf(plans, dataset, pancreas, facts);
  const absolute = path.join(files.source, found.root);
  return {
    name: path.basename(absolute),
    folds,
    settings,
    modality: dataset.channel,
    hints: `${plans.dataset ?? ''} ${dataset.channel}`.trim(),
    notes: [
      ...notes,
      ...notesOn(path.basename(absolute), facts, dataset, pancreas),
      ...notesOnPostprocessing(files, found.root),
    ],
    facts: factsOf({
      training: plans.dataset,
      version: 2,
      trainer: facts.trainer,
      plans: plans.plans,
      configuration: plans.configuration,
      checkpoint: path.posix.basename(folds[0].checkpoint),
      folds,
      modality: dataset.channel,
      postprocessing: undefined,
      settings,
      more: factsOfV2(plans, dataset, pancreas),
    }),
    openNetwork: async (file, fold) =>
      openTrainedNetwork(file, network, facts, path.join(files.source, fold.checkpoint)),
    source: (architecture, allNotes, imported) => ({
      ...(plans.dataset === undefined ? {} : { task: plans.dataset }),
      trainer: facts.trainer,
      ...(plans.plans === undefined ? {} : { plans: plans.plans }),
      configuration: plans.configuration,
      folds: recordFolds(imported),
      ...(allNotes.length > 0 ? { notes: [...allNotes] } : {}),
      citation: CITATIONS[architecture],
    }),
  };
}

type Folds = readonly [FoundFold, ...FoundFold[]];

/** All numbered folds; fold_all, another training, only where it is asked for. */
function chooseFolds(
  files: TrainingFiles,
  { root, folds: found, fold }: TrainedFolder,
  wanted: string | undefined,
): { readonly folds: Folds; readonly notes: readonly string[] } {
  const where = path.join(files.source, root);
  const numbered = numberedFolds(found.keys());
  if (fold === undefined && numbered.length === 0)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${where} holds fold_all alone, which nnU-Net takes only where it is asked for: --fold all`,
    );
  const considered = fold === undefined ? numbered : [fold];
  const name = wanted ?? FINAL;
  const taken = considered.filter((one) => found.get(one)?.includes(name));
  const [first, ...others] = taken.map((folder) => ({
    folder,
    checkpoint: path.posix.join(root, folder, name),
  }));
  const names = [...new Set(considered.flatMap((one) => found.get(one) ?? []))];
  if (!first)
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${where}: expected ${name} in ${considered.join(', ')}; found only ${names.join(', ')}` +
        (wanted === undefined ? ', of a training that has not ended. To take it: --checkpoint FILE' : ''),
    );
  const notes: string[] = [];
  const unfinished = considered.filter((one) => !taken.includes(one));
  if (unfinished.length > 0) notes.push(`left out, for lack of ${name}: ${unfinished.join(', ')}`);
  if (fold === undefined && found.has('fold_all'))
    notes.push('the folder fold_all was left out, as nnU-Net does it where folds are there');
  if (wanted === undefined) {
    const more = names.filter(
      (one) => ![FINAL, 'checkpoint_best.pth', 'checkpoint_latest.pth'].includes(one),
    );
    if (more.length > 0)
      notes.push(`there are other checkpoints: ${more.join(', ')}. To take one: --checkpoint FILE`);
  }
  return { folds: [first, ...others], notes };
}

/** nnU-Net takes trainer, configuration and mirroring from the first fold. */
async function readFirst(
  files: TrainingFiles,
  [first]: Folds,
  besides: string,
  signal: AbortSignal | undefined,
): Promise<CheckpointFacts> {
  const folder = `${path.resolve(besides)}.look-${randomUUID()}`;
  const look = async (file: string) => {
    const opened = await openSecondCheckpoint(file);
    await opened.close();
    return opened.facts;
  };
  if (files.isArchive) await mkdir(folder, { recursive: true });
  try {
    return await files.withFile(first.checkpoint, folder, { signal }, look);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function settingsOf(
  plans: SecondPlans,
  { labels }: Dataset,
  pancreas: number,
  { mirrorAxes }: CheckpointFacts,
): TrainedModel['settings'] {
  return {
    orientation: plans.orientation,
    transposeForward: plans.transposeForward,
    spacing: plans.spacing,
    patchSize: plans.patchSize,
    normalization: plans.normalization,
    inference: { stepSize: 0.5, mirrorAxes: [...mirrorAxes] },
    postprocessing: { keepLargestComponent: false },
    nnunetV2: { labels: [...labels], pancreas, resampling: plans.resampling },
  };
}

function notesOn(
  folder: string,
  { trainer, configuration }: CheckpointFacts,
  { labels }: Dataset,
  pancreas: number,
): string[] {
  const notes: string[] = [];
  const [namedTrainer, , namedConfiguration] = folder.split('__');
  for (const [what, named, found] of [
    ['trainer', namedConfiguration && namedTrainer, trainer],
    ['configuration', namedConfiguration, configuration],
  ] as const)
    if (named && named !== found)
      notes.push(`the folder's name says ${what} ${named}, the checkpoint ${found}, which counts`);
  const name = labels[pancreas] ?? '';
  if (!/pancrea/i.test(name)) notes.push(`the label that is taken for the pancreas is called ${name}`);
  return notes;
}

/** What nnUNetv2_find_best_configuration leaves in a folder of its own, beside the folds. */
function notesOnPostprocessing({ paths }: TrainingFiles, root: string): string[] {
  const [first] = paths
    .filter((file) => root === '' || root === '.' || file.startsWith(`${root}/`))
    .filter((file) => /(^|\/)postprocessing\.(json|pkl)$/.test(file));
  return first === undefined
    ? []
    : [
        `${first} does not count: nnU-Net v2's prediction leaves it to nnUNetv2_apply_postprocessing, and ` +
          'it is not done here either',
      ];
}

function factsOfV2(plans: SecondPlans, { labels }: Dataset, pancreas: number): Fact[] {
  const words = ({ order, orderZ, forceSeparateZ }: SecondPlans['resampling']['data']) =>
    `order ${order}, ` +
    (forceSeparateZ === null
      ? `order ${orderZ} along a coarse axis`
      : forceSeparateZ
        ? `order ${orderZ} along the coarsest axis`
        : 'all axes alike');
  const { data, logits } = plans.resampling;
  return [
    ['reader', plans.reader],
    ['resampling', `images: ${words(data)}; logits: ${words(logits)}`],
    ['labels', labels.map((name, value) => `${value} ${name}`).join(', ')],
    ['pancreas', `${pancreas} ${labels[pancreas] ?? ''}`],
  ];
}

/** @throws {SegmentationError} also CHECKPOINT_ARCHITECTURE, where folds were not trained alike */
async function openTrainedNetwork(
  file: string,
  plan: DynamicPlan,
  expected: CheckpointFacts,
  where: string,
): Promise<TrainedNetwork> {
  const opened = await openSecondCheckpoint(file);
  try {
    const { trainer, configuration, mirrorAxes } = opened.facts;
    const alike = { trainer, configuration, mirrorAxes };
    if (!isDeepStrictEqual({ ...expected, ...alike }, expected))
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${where}: trainer, configuration or mirroring differ from those of the first fold (${trainer}, ` +
          `${configuration}, mirroring ${mirrorAxes.join(', ') || 'none'}); folds can only be averaged ` +
          'where they were trained alike',
      );
    const architecture = describeDynamicNetwork(opened.weights.shapes, plan);
    await checkAliases(opened, architecture, where);
    const { weights } = opened;
    const counting = new Map([...weights.shapes].filter(([name]) => architecture.parameters.has(name)));
    return {
      architecture: plan.kind,
      epoch: opened.facts.epoch,
      weights: { ...weights, shapes: counting },
      write: (watched, target) => writeDynamicNetwork(architecture, watched, target),
      close: () => opened.close(),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Loading a parameter under two names, PyTorch keeps the last: where they differ, one of them is wrong. */
async function checkAliases(
  opened: SecondCheckpoint,
  { parameters }: DynamicArchitecture,
  where: string,
): Promise<void> {
  for (const [name, others] of parameters) {
    for (const other of others) {
      if (await opened.isSame(name, other)) continue;
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${where}: ${name} and ${other} are one parameter, but hold different values`,
      );
    }
  }
}
