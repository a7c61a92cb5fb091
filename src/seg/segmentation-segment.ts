import { fitted, type WritableDataset } from '../dicom/writing/write.ts';
import { algorithmParameters } from '../results/algorithm-parameters.ts';
import { CODES, codeItem } from '../results/codes.ts';
import {
  PANCREAS_SEGMENT_NUMBER,
  PANCREAS_TRACKING_ID,
  pancreasTrackingUid,
} from '../results/pancreas-segment.ts';
import { type ResultContext } from '../results/result-context.ts';

/**
 * Amber (sRGB 240, 170, 20), clear on grey images: PCS values, relative to D50, as PS3.3 C.10.7.1.1 scales
 * them. It lies inside sRGB also for viewers that take the values for relative to D65.
 */
const AMBER_CIELAB = [49139, 37753, 52223] as const;

const BLACK_CIELAB = [0, 32896, 32896] as const;

const LO_MAX_LENGTH = 64;

/** The description of the pancreas segment (PS3.3 C.8.20.4). */
export function pancreasSegment(context: ResultContext): WritableDataset {
  const { model } = context;
  return {
    SegmentNumber: PANCREAS_SEGMENT_NUMBER,
    SegmentLabel: 'Pancreas',
    ...(model.notice ? { SegmentDescription: model.notice } : {}),
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: fitted(`${model.name} ${model.version}`, LO_MAX_LENGTH),
    SegmentationAlgorithmIdentificationSequence: [
      {
        AlgorithmFamilyCodeSequence: [codeItem(CODES.artificialIntelligence)],
        AlgorithmName: fitted(model.name, LO_MAX_LENGTH),
        AlgorithmVersion: fitted(model.version, LO_MAX_LENGTH),
        AlgorithmParameters: algorithmParameters(context).join('; '),
      },
    ],
    SegmentedPropertyCategoryCodeSequence: [codeItem(CODES.anatomicalStructure)],
    SegmentedPropertyTypeCodeSequence: [codeItem(CODES.pancreas)],
    RecommendedDisplayCIELabValue: [...AMBER_CIELAB],
    TrackingID: PANCREAS_TRACKING_ID,
    TrackingUID: pancreasTrackingUid(context),
  };
}

/** What 0 stands for in a label map. */
export function backgroundSegment(): WritableDataset {
  return {
    SegmentNumber: 0,
    SegmentLabel: 'Background',
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: 'none',
    SegmentedPropertyCategoryCodeSequence: [codeItem(CODES.background)],
    SegmentedPropertyTypeCodeSequence: [codeItem(CODES.background)],
    RecommendedDisplayCIELabValue: [...BLACK_CIELAB],
  };
}
