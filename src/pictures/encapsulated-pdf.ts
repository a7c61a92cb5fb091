import { PDFDocument, type SKRSContext2D } from '@napi-rs/canvas';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { CODES, codeItem } from '../results/codes.ts';
import { codingSchemes } from '../results/coding-schemes.ts';
import { referenceTo } from '../results/instance-reference.ts';
import { MANUFACTURER_MODEL_NAME } from '../results/own-results.ts';
import { commonModules, type ResultObject, seriesUid, sourceInstances } from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import { writeObject } from '../results/write-object.ts';
import { madeAt, pictureUid } from './picture-attributes.ts';
import type { PictureInput } from './picture-input.ts';
import { pictureSet, summaryContent } from './picture-set.ts';
import { drawSummary, PAGE } from './summary-page.ts';

export const ENCAPSULATED_PDF_STORAGE = '1.2.840.10008.5.1.4.1.1.104.1';

const TITLE = 'Pancreas volume report';
/** Of the PDF writer's quality scale: from here on images are kept without loss. */
const LOSSLESS = 101;
/** Pixels per point of the images: 144 dpi, twice what the source has in most CT. */
const IMAGE_RESOLUTION = 2;

/**
 * The summary page as an Encapsulated PDF (PS3.3 A.45.1): text is text, outlines and chart are vectors.
 * Throws DICOM_ATTRIBUTE where the source lacks its identity.
 */
export function createPdf(input: PictureInput): ResultObject {
  const common = commonModules(input.context, 'DOC', TITLE);
  const sopInstanceUid = pictureUid('PDF', input, common.attributes);
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  const pdf = summaryPdf(input, madeAt(common.attributes));
  const dataset: WritableDataset = {
    ...common.attributes,
    SOPClassUID: ENCAPSULATED_PDF_STORAGE,
    SOPInstanceUID: sopInstanceUid,
    SeriesInstanceUID: seriesInstanceUid,
    ConversionType: 'WSD', // PS3.3 C.8.6.1: made by a workstation
    AcquisitionDateTime: null,
    BurnedInAnnotation: 'YES',
    DocumentTitle: TITLE,
    ConceptNameCodeSequence: [codeItem(CODES.imagingMeasurementReport)],
    VerificationFlag: 'UNVERIFIED',
    SourceInstanceSequence: sourceObjects(input),
    MIMETypeOfEncapsulatedDocument: 'application/pdf',
    EncapsulatedDocument: padded(pdf).buffer,
    EncapsulatedDocumentLength: pdf.length,
  };
  return {
    bytes: writeObject(isFormat3(input.context) ? dataset : { ...dataset, ...codingSchemes(dataset) }),
    sopClassUid: ENCAPSULATED_PDF_STORAGE,
    sopInstanceUid,
    seriesInstanceUid,
    warnings: common.warnings,
  };
}

/** Without dates and ids, so that the same page is the same bytes. */
function summaryPdf(input: PictureInput, made: string): Uint8Array {
  const document = new PDFDocument({
    title: TITLE,
    creator: `${MANUFACTURER_MODEL_NAME} ${input.context.softwareVersion}`,
    encodingQuality: LOSSLESS,
  });
  // The same class as a canvas's context; the package's types say less.
  const ctx = document.beginPage(PAGE.width, PAGE.height) as SKRSContext2D;
  drawSummary(ctx, input, summaryContent(input, pictureSet(input), made, IMAGE_RESOLUTION));
  document.endPage();
  return document.close();
}

/** All that the document was made from: the images, and the objects that it belongs to. */
function sourceObjects({ context, related }: PictureInput): WritableDataset[] {
  return [...sourceInstances(context.series), ...related].map(referenceTo);
}

/** To an even number of bytes (PS3.5 8.1.1), in a buffer of its own. */
function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const even = new Uint8Array(bytes.length + (bytes.length % 2));
  even.set(bytes);
  return even;
}
