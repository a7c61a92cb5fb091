import { createCanvas } from '@napi-rs/canvas';
import type { SourceSlice } from '../dicom/geometry/series-volume.ts';
import { deriveUid } from '../dicom/uids.ts';
import { decimalString } from '../dicom/writing/decimal-string.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { codingSchemes } from '../results/coding-schemes.ts';
import { lossiness } from '../results/lossiness.ts';
import { commonModules, type ResultObject } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import { writeObject } from '../results/write-object.ts';
import type { ViewPicture } from './draw-view.ts';
import { keyImage } from './key-image.ts';
import { pageFacts } from './page-facts.ts';
import { madeAt, pictureUid, relatedObjects, sourceImages } from './picture-attributes.ts';
import type { PictureInput } from './picture-input.ts';
import { type PictureSet, pictureSet, summaryContent } from './picture-set.ts';
import { type RgbImage, rgbImage } from './rgb-image.ts';
import { drawSummary, PAGE } from './summary-page.ts';
import { orientationLetters } from './views.ts';

/**
 * Single-frame Secondary Capture: every archive and every viewer knows it, the multi-frame ones only some.
 */
export const SECONDARY_CAPTURE_STORAGE = '1.2.840.10008.5.1.4.1.1.7';

/** Pixels per point of the summary page: small print stays legible on a screen. */
const SUMMARY_SCALE = 1.6;

interface Capture {
  /** Tells the instances of the series apart. */
  readonly what: string;
  readonly image: RgbImage;
  readonly attributes: WritableDataset;
  readonly sources: readonly SourceSlice[];
}

/**
 * Secondary Capture series (PS3.3 A.8.1) of a result: the summary page first, then axial, coronal and
 * sagittal key image with the outline; the page alone where nothing was found. RGB, uncompressed. Throws
 * DICOM_ATTRIBUTE where the source lacks its identity.
 */
export function createPictures(input: PictureInput): ResultObject[] {
  const common = commonModules(input.context, 'OT', 'Pancreas key images');
  const set = pictureSet(input);
  const seriesInstanceUid = deriveUid('series', pictureUid('SC', input, common.attributes));
  const captures = [
    summary(input, set, madeAt(common.attributes)),
    ...set.views.map((view) => keyCapture(view, set, input)),
  ];
  return captures.map((capture, index) => {
    const sopInstanceUid = pictureUid(`SC ${capture.what}`, input, common.attributes);
    const dataset: WritableDataset = {
      ...common.attributes,
      SOPClassUID: SECONDARY_CAPTURE_STORAGE,
      SOPInstanceUID: sopInstanceUid,
      SeriesInstanceUID: seriesInstanceUid,
      InstanceNumber: String(index + 1),
      ConversionType: 'WSD', // PS3.3 C.8.6.1: made by a workstation
      ImageType: ['DERIVED', 'SECONDARY'],
      BodyPartExamined: 'ABDOMEN',
      BurnedInAnnotation: 'YES',
      ...lossiness(input.context),
      ...pixelModule(capture.image),
      ...capture.attributes,
      SourceImageSequence: sourceImages(capture.sources),
      ...relatedObjects(input.related),
    };
    return {
      bytes: writeObject(isFormat3(input.context) ? dataset : { ...dataset, ...codingSchemes(dataset) }),
      sopClassUid: SECONDARY_CAPTURE_STORAGE,
      sopInstanceUid,
      seriesInstanceUid,
      warnings: common.warnings,
    };
  });
}

function summary(input: PictureInput, set: PictureSet, made: string): Capture {
  const canvas = createCanvas(
    Math.round(PAGE.width * SUMMARY_SCALE),
    Math.round(PAGE.height * SUMMARY_SCALE),
  );
  const ctx = canvas.getContext('2d');
  ctx.scale(SUMMARY_SCALE, SUMMARY_SCALE);
  drawSummary(ctx, input, summaryContent(input, set, made, SUMMARY_SCALE));
  return {
    what: 'summary',
    image: rgbImage(canvas),
    attributes: { ImageComments: 'Summary page', PatientOrientation: null },
    sources: input.context.series.slices,
  };
}

/** The grid axis on which the series' images follow each other. */
const ACROSS_IMAGES = 2;

function keyCapture(picture: ViewPicture, { window }: PictureSet, input: PictureInput): Capture {
  const { view } = picture;
  const { series } = input.context;
  const { image, mmPerPixel } = keyImage(picture, pageFacts(input.context), window, series);
  const spacing = decimalString(mmPerPixel);
  return {
    what: view.name,
    image,
    attributes: {
      ImageComments: `${view.name} view with the outline of the pancreas segmentation`,
      PatientOrientation: [orientationLetters(view.right), orientationLetters(view.down)],
      PixelSpacing: [spacing, spacing],
    },
    sources: view.normal === ACROSS_IMAGES ? series.slices.slice(view.plane, view.plane + 1) : series.slices,
  };
}

function pixelModule({ rows, columns, pixels }: RgbImage): WritableDataset {
  return {
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    Rows: rows,
    Columns: columns,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    PixelData: pixels.buffer,
    _vrMap: { PixelData: 'OB' }, // PS3.5 A.2: eight bits allocated may be OB or OW
  };
}
