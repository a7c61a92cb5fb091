// What cornerstone's adapter makes of a report and a SEG:
//   npm ci --ignore-scripts --prefix FOLDER, with the files of tools/readers/cornerstone in FOLDER
//   node tools/readers/cornerstone_report.mjs FOLDER IMAGES FILE...
// IMAGES: a folder with the images, one file each. Prints a line of JSON for each FILE. The adapter brings a whole
// viewer with it: test/sr/cornerstone-reader.slow.test.ts installs it outside of the checkout.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, images, ...files] = process.argv.slice(2);
const installed = createRequire(path.resolve(folder, 'package.json'));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const { data } = installed('dcmjs');

const read = (file) => {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  const { dict, meta } = data.DicomMessage.readFile(buffer.slice(byteOffset, byteOffset + byteLength));
  const dataset = data.DicomMetaDictionary.naturalizeDataset(dict);
  dataset._meta = data.DicomMetaDictionary.namifyDataset(meta);
  return dataset;
};

const warnings = [];
for (const kind of ['warn', 'error']) console[kind] = (...said) => warnings.push(said.map(String).join(' '));
console.log = () => {};
const print = (line) => process.stdout.write(`${line}\n`);

const { adaptersSR, adaptersSEG } = await load('@cornerstonejs/adapters');
const headers = readdirSync(images).map((name) => read(path.join(images, name)));
const byUid = new Map(headers.map((header) => [header.SOPInstanceUID, header]));
const imageIds = Object.fromEntries([...byUid.keys()].map((uid) => [`${uid}:1`, uid]));
const metadata = {
  get(module, imageId) {
    const header = byUid.get(imageId);
    if (!header) return undefined;
    const [rowX, rowY, rowZ, columnX, columnY, columnZ] = header.ImageOrientationPatient.map(Number);
    const [rowPixelSpacing, columnPixelSpacing] = header.PixelSpacing.map(Number);
    const modules = {
      imagePlaneModule: {
        frameOfReferenceUID: header.FrameOfReferenceUID,
        rows: header.Rows,
        columns: header.Columns,
        imageOrientationPatient: [rowX, rowY, rowZ, columnX, columnY, columnZ],
        rowCosines: [rowX, rowY, rowZ],
        columnCosines: [columnX, columnY, columnZ],
        imagePositionPatient: header.ImagePositionPatient.map(Number),
        rowPixelSpacing,
        columnPixelSpacing,
      },
      generalSeriesModule: { modality: header.Modality, seriesInstanceUID: header.SeriesInstanceUID },
      generalImageModule: { sopInstanceUID: header.SOPInstanceUID },
      sopCommonModule: { sopInstanceUID: header.SOPInstanceUID, sopClassUID: header.SOPClassUID },
      instance: header,
    };
    return modules[module];
  },
};

const { metaData } = await load('@cornerstonejs/core');
metaData.addProvider((module, imageId) => metadata.get(module, imageId));

async function factsOf(file) {
  const dataset = read(file);
  if (dataset.Modality === 'SEG') {
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
    const ids = headers.map(({ SOPInstanceUID }) => SOPInstanceUID);
    const state = await adaptersSEG.Cornerstone3D.Segmentation.generateToolState(ids, bytes, metadata, {
      skipOverlapping: true,
    });
    return Object.keys(state);
  }
  const state = adaptersSR.Cornerstone3D.MeasurementReport.generateToolState(dataset, imageIds, metadata);
  return Object.fromEntries(Object.entries(state).map(([tool, found]) => [tool, found.length]));
}

for (const file of files) {
  warnings.length = 0;
  const found = await factsOf(file).catch((error) => ({ failed: process.env.DEBUG ? error.stack : String(error) }));
  print(JSON.stringify({ file: path.basename(file), found, warnings }));
}
