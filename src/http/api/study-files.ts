import { pipeline as pipelineOf, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { messageOf } from '../../coded-error.ts';
import { DicomError } from '../../dicom/dicom-error.ts';
import { encapsulatedPdf } from '../../dicom/reading/encapsulated-pdf.ts';
import { gridOfVolume } from '../../nifti/grid.ts';
import { niftiBytes } from '../../nifti/write-nifti.ts';
import { findStudyListing, type ReviewedVolume } from '../../store/records/find-studies.ts';
import { pdfOfReport } from '../../store/records/own-series.ts';
import { shownVolume } from '../../store/records/shown-volume.ts';
import { HttpError } from '../http-error.ts';
import { ImagesBusyError } from '../images/image-cache.ts';
import type { LoadedImages } from '../images/load-images.ts';
import { type ZippedFile, zipped } from '../zip.ts';
import type { ApiParts } from './api-parts.ts';
import { type Operation, uidSchema } from './operation.ts';
import { fromArchive } from './results.ts';

interface Missing {
  readonly file: string;
  readonly reason: string;
}

/** All of a study in one file: what was segmented, what was found, and what was said of it. */
export function studyFileOperations(parts: ApiParts): Operation[] {
  return [
    {
      method: 'get',
      path: '/studies/{uid}/files.zip',
      summary: 'For each result of a study: image and mask (NIfTI), SEG, SR and PDF; and result.json',
      answer: { status: 200, description: 'sent as it is read', type: 'application/zip' },
      errors: ['NOT_FOUND', 'UNAVAILABLE'],
      handle: async (request, response) => {
        const uid = uidSchema.parse(request.params['uid']);
        const listing = await findStudyListing(parts.database, uid);
        const results = listing?.volumes.filter(({ historyAlone }) => !historyAlone) ?? [];
        const [first] = results;
        if (!listing || !first) throw new HttpError('NOT_FOUND', 'the archive has no result of this study');
        // An archive that does not answer is told of while there is still a status to tell it by.
        await fromArchive(() => reachable(parts, first));
        response.attachment(`study-${uid}.zip`).type('application/zip');
        if (request.method === 'HEAD') {
          response.end();
          return;
        }
        await pipeline(Readable.from(zipped(filesOf(results, parts)), { highWaterMark: 1 }), response);
      },
    },
  ];
}

/** @throws DicomError where the archive cannot be asked; that it lacks the report is another thing */
async function reachable(
  { instance }: ApiParts,
  { studyInstanceUid, report }: ReviewedVolume,
): Promise<void> {
  await instance(studyInstanceUid, report).catch((error: unknown) => {
    if (error instanceof DicomError && error.code === 'DICOM_WEB_UNREACHABLE') throw error;
  });
}

/** What cannot be had is left out, and result.json, which comes last, says why. */
async function* filesOf(results: readonly ReviewedVolume[], parts: ApiParts): AsyncGenerator<ZippedFile> {
  const missing: Missing[] = [];
  const folders = foldersOf(results);
  for (const [index, result] of results.entries()) {
    const files = new ResultFiles(result, parts);
    for (const [name, piecesOf] of files.all()) {
      const file = `${folders[index]}/${name}`;
      try {
        const pieces = await piecesOf();
        if (pieces) yield { name: file, pieces };
      } catch (error) {
        if (!(error instanceof DicomError || error instanceof ImagesBusyError)) throw error;
        missing.push({ file, reason: messageOf(error) });
      }
    }
  }
  const told = results.map((result, index) => ({ folder: folders[index], ...shownVolume(result) }));
  const summary = { studyInstanceUid: results[0]?.studyInstanceUid, results: told, missing };
  yield { name: 'result.json', pieces: [Buffer.from(`${JSON.stringify(summary, null, 2)}\n`)] };
}

/** A folder for each: what was segmented, by which model; a number where that is not enough. */
function foldersOf(results: readonly ReviewedVolume[]): string[] {
  const taken = new Set<string>();
  return results.map(({ class: images, part, model }) => {
    const words = [images, part, model.name, model.mode].filter(Boolean).join('-');
    const plain = words.replaceAll(/[^\w.-]+/g, '_').replace(/^\.+/, '');
    let name = plain;
    for (let count = 2; taken.has(name); count++) name = `${plain}-${count}`;
    taken.add(name);
    return name;
  });
}

type Pieces = ZippedFile['pieces'];

/** The files of one result; undefined: there is none, and none is missing. */
class ResultFiles {
  readonly #result: ReviewedVolume;
  readonly #parts: ApiParts;

  constructor(result: ReviewedVolume, parts: ApiParts) {
    this.#result = result;
    this.#parts = parts;
  }

  all(): [name: string, piecesOf: () => Promise<Pieces | undefined>][] {
    const { seg, report } = this.#result;
    return [
      ['sr.dcm', async () => [await this.#instance(report)]],
      ['seg.dcm', async () => (seg ? [await this.#instance(seg)] : undefined)],
      ['report.pdf', () => this.#pdf()],
      ['image.nii.gz', async () => gzipped(imageBytes(await this.#images()))],
      ['mask.nii.gz', async () => gzipped(maskBytes(await this.#images()))],
    ];
  }

  #instance(at: {
    readonly seriesInstanceUid: string;
    readonly sopInstanceUid: string;
  }): Promise<Uint8Array> {
    return this.#parts.instance(this.#result.studyInstanceUid, at);
  }

  #images(): Promise<LoadedImages> {
    return this.#parts.images(this.#result);
  }

  /** The document itself, out of its DICOM object. */
  async #pdf(): Promise<Pieces | undefined> {
    const { studyInstanceUid, report } = this.#result;
    const at = await pdfOfReport(this.#parts.database, studyInstanceUid, report.sopInstanceUid);
    if (!at) return undefined;
    const document = encapsulatedPdf(await this.#instance(at));
    if (!document) throw new DicomError('DICOM_ATTRIBUTE', `the PDF ${at.sopInstanceUid} holds no document`);
    return [document];
  }
}

const imageBytes = ({ size, affine, stored, slope, intercept }: LoadedImages): Iterable<Uint8Array> =>
  niftiBytes(gridOfVolume({ size, affine }), stored, 'image', { slope, intercept });

const maskBytes = ({ size, affine, mask }: LoadedImages): Iterable<Uint8Array> =>
  niftiBytes(gridOfVolume({ size, affine }), mask, 'pancreas: 1');

/** A failure of the pieces reaches whoever reads. */
const gzipped = (pieces: Iterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  pipelineOf(Readable.from(pieces), createGzip(), () => {});
