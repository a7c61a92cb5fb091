import type { ModelInfo } from '../segmentation/model/model-info.ts';
import type { NetworkWeights } from '../segmentation/network-weights.ts';
import type { ImportedFold } from './source-record.ts';

type Architecture = ModelInfo['architecture'];

export interface FoundFold {
  /** The name of its folder: fold_0 to fold_4, all or fold_all. */
  readonly folder: string;
  /** Relative to the source. */
  readonly checkpoint: string;
}

/** One thing that was understood, for a person to check against the training's own words. */
export type Fact = readonly [what: string, value: string];

/** A trained model, as it is understood before its networks are written. */
export interface TrainedModel {
  /** What it is called in progress. */
  readonly name: string;
  readonly folds: readonly FoundFold[];
  readonly settings: Pick<
    ModelInfo,
    | 'orientation'
    | 'transposeForward'
    | 'spacing'
    | 'patchSize'
    | 'normalization'
    | 'inference'
    | 'postprocessing'
    | 'nnunetV2'
  >;
  /** What the training calls its images. */
  readonly modality: string;
  /** Names in which a kind of MR may be hinted at. */
  readonly hints: string;
  readonly notes: readonly string[];
  readonly facts: readonly Fact[];
  /** @throws {SegmentationError} CHECKPOINT_UNREADABLE, CHECKPOINT_REFUSED, CHECKPOINT_ARCHITECTURE */
  openNetwork(file: string, fold: FoundFold): Promise<TrainedNetwork>;
  /** What model.json says of where it comes from. */
  source(
    architecture: Architecture,
    notes: readonly string[],
    folds: readonly ImportedFold[],
  ): ModelInfo['source'];
}

/** The network of one fold. Close it when done. */
export interface TrainedNetwork {
  readonly architecture: Architecture;
  readonly epoch: number | undefined;
  /** The parameters that are written or checked. */
  readonly weights: NetworkWeights;
  /**
   * @param weights the same, watched
   * @throws {SegmentationError} CHECKPOINT_VALUES, before anything is written
   */
  write(weights: NetworkWeights, target: string): Promise<void>;
  close(): Promise<void>;
}
