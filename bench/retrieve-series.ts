/**
 * Retrieves two series from an archive into volumes, as the node does: a small one that warms the process up,
 * then the one that is measured, twice. Prints the seconds of both, and how much more memory the first held
 * at most, as JSON.
 *
 *   node bench/retrieve-series.ts URL STUDY SMALL_SERIES IMAGES SERIES IMAGES
 *
 * The URL is a DICOMweb root, or `dicom://HOST:PORT` of an Orthanc.
 */
import { readFileSync } from 'node:fs';
import { DimseArchive } from '../src/dicom/dimse/archive.ts';
import { DicomWebClient } from '../src/dicom/web/client.ts';
import { IMPLEMENTATION } from '../src/implementation.ts';
import { retrieveSeries } from '../src/pipeline/run/retrieve-series.ts';

const [url = '', studyInstanceUid = '', small = '', smallImages, series = '', images] = process.argv.slice(2);
const archive = url.startsWith('dicom:') ? overDimse(new URL(url)) : new DicomWebClient({ url });

function overDimse({ hostname: host, port }: URL): DimseArchive {
  const titles = { calledAeTitle: 'ORTHANC', callingAeTitle: 'BENCH' };
  const peer = { host, port: Number(port), ...titles, implementation: IMPLEMENTATION, idleMs: 60_000 };
  return new DimseArchive({ peer, retrieve: 'get', associations: 1 });
}

async function retrieve(seriesInstanceUid: string, count: number): Promise<number> {
  const builder = await retrieveSeries(archive, { studyInstanceUid }, { seriesInstanceUid, images: count });
  return builder.finish().volume.voxels.byteLength;
}

/** VmHWM, not maxRSS: that one counts what the parent held when it started this process. */
function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

await retrieve(small, Number(smallImages));
const before = process.memoryUsage.rss();
const start = performance.now();
const volumeBytes = await retrieve(series, Number(images));
const seconds = (performance.now() - start) / 1000;
const growthBytes = peakBytes() - before;
const again = performance.now();
await retrieve(series, Number(images));
const secondsAgain = (performance.now() - again) / 1000;
process.stdout.write(JSON.stringify({ seconds, secondsAgain, growthBytes, volumeBytes }));
