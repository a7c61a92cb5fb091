import { SegmentationError } from '../../segmentation/segmentation-error.ts';

/** The port of PanSegNet to nnU-Net v2 (Zilian4/PaNSegNet_nnUNetv2). */
const PORT = 'PaNSegNet_Trainer';

/**
 * Trainers that nnU-Net v2 (2.0 to 2.8) brings along and that build the network of the plans: they change the
 * loss, the optimizer, the augmentation, the number of epochs, or the axes of mirroring, which the checkpoint
 * tells. Any other may build anything.
 */
const OF_THE_PLANS = new RegExp(
  `^nnUNetTrainer(${[
    '',
    '_\\d+epochs?(_NoMirroring)?',
    'Benchmark_5epochs(_noDataLoading)?',
    'NoMirroring',
    '_onlyMirror01(_1500ep|_DASegOrd0|_DA5)?',
    'DA5(ord0|Segord0|_10epochs)?',
    '_DASegOrd0(_NoMirroring)?',
    'DAOrd0',
    'NoDA',
    '_noDummy2DDA',
    'CELoss(_5epochs)?',
    'DiceLoss',
    'DiceCELoss_noSmooth',
    'Topk10Loss(LS01)?',
    'DiceTopK10Loss',
    'CosAnneal',
    '_warmup',
    'NoDeepSupervision',
    '(Vanilla)?Adam(1en3|3en4)?',
    'Adan(1en3|3en4|1en1|CosAnneal)?',
    '_probabilisticOversampling(_033|_010)?',
  ].join('|')})$`,
);

/**
 * Whose network is trained: the plans', or that of PaNSegNet's port, whatever its plans say.
 *
 * @throws {SegmentationError} CHECKPOINT_ARCHITECTURE: nobody knows what the trainer builds
 */
export function networkOfTrainer(trainer: string, where: string): 'plans' | 'port' {
  if (trainer === PORT) return 'port';
  if (OF_THE_PLANS.test(trainer)) return 'plans';
  throw new SegmentationError(
    'CHECKPOINT_ARCHITECTURE',
    `${where}: it was trained by ${trainer.slice(0, 100)}. The trainer decides what the network is, and ` +
      `this one is not known here; expected nnUNetTrainer, a variant of it that nnU-Net brings along and ` +
      `that leaves the network as it is, or ${PORT}`,
  );
}
