import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { programPath } from './requires.ts';

const run = promisify(execFile);

/** Where Debian's libpixelmed-java and what it needs lie. */
const CLASS_PATH = ['pixelmed', 'slf4j-api', 'slf4j-nop']
  .map((jar) => `/usr/share/java/${jar}.jar`)
  .join(':');
/** The validator runs for seconds: what makes long runs fast would only slow it down. */
const SHORT_RUN = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** DicomSRValidator's rules are larger than Java's default limits for XPath. */
const NO_XPATH_LIMITS = ['TotalOp', 'ExprOp', 'ExprGrp'].map((kind) => `-Djdk.xml.xpath${kind}Limit=0`);

/** What a DICOMDIR would want, and odd patient values, which come from the source images. */
const NOT_OURS = ['needed to build DICOMDIR', 'dubious for this VR - (0x0010,'];
/**
 * dcentvfy takes AccessionNumber and its issuer for attributes of the study in reports and of the series in
 * images, so it warns of any report that lies beside any image of its study.
 */
const DCENTVFY_MISTAKE =
  /Different information entities for attribute - Element=<(AccessionNumber|IssuerOfAccessionNumberSequence)> IE <(Series|Study)>/;

/**
 * What DicomSRValidator says of a report whose template it knows; of another it says nothing, and finds
 * nothing.
 */
const ROOT_TEMPLATE = /Found Root Template TID_(1500|2000)\b/;

/** A report as dciodvfy names its IOD, such as `ComprehensiveSR`. */
const SR_IOD = /^[A-Za-z0-9]*SR$/m;

/**
 * Findings of the field's own validators on files that belong together: dciodvfy on each, PixelMed's
 * DicomSRValidator on each report, dcentvfy on all together. Empty: nothing found.
 */
export async function validatorFindings(files: Readonly<Record<string, Uint8Array>>): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-validate-'));
  try {
    const named = Object.entries(files).map(([name, bytes]) => ({
      name,
      bytes,
      file: path.join(folder, `${name}.dcm`),
    }));
    await Promise.all(named.map(({ file, bytes }) => writeFile(file, bytes)));
    const written = named.map(({ file }) => file);
    // At the same time: the one in Java takes seconds to start.
    const findings = (await Promise.all(named.map(({ name, file }) => findingsOn(name, file)))).flat();
    const together = lines(await output(programPath('dcentvfy'), written), /Error|Warning/);
    return [
      ...findings,
      ...together.filter((line) => !DCENTVFY_MISTAKE.test(line)).map((line) => `dcentvfy: ${line}`),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Of one file: dciodvfy's, and DicomSRValidator's on a report. */
async function findingsOn(name: string, file: string): Promise<string[]> {
  const iod = await output(programPath('dciodvfy'), [file]);
  const findings = lines(iod, /^(Error|Warning)/).map((line) => `dciodvfy ${name}: ${line}`);
  if (!SR_IOD.test(iod)) return findings;
  const validator = ['-cp', CLASS_PATH, 'com.pixelmed.validate.DicomSRValidator', file];
  const sr = await output(programPath('java'), [...SHORT_RUN, ...NO_XPATH_LIMITS, ...validator]);
  if (!ROOT_TEMPLATE.test(sr)) {
    findings.push(`DicomSRValidator ${name}: found no report after TID 1500 or 2000: ${sr}`);
  }
  const found = lines(sr, /Error|Warning|Exception/);
  return [...findings, ...found.map((line) => `DicomSRValidator ${name}: ${line}`)];
}

function lines(text: string, pattern: RegExp): string[] {
  return text
    .split('\n')
    .filter((line) => pattern.test(line) && !NOT_OURS.some((excused) => line.includes(excused)));
}

/**
 * All that a program prints; the validators tell what they find by words, not always by their exit status.
 */
async function output(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, args, { maxBuffer: 2 ** 26 });
    return `${stdout}\n${stderr}`;
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && 'stderr' in error)
      return `${String(error.stdout)}\n${String(error.stderr)}`;
    throw error;
  }
}
