/** The part of dcmjs 0.52 that the project uses; the package brings no types. */
declare module 'dcmjs' {
  /** One element of a data set as dcmjs reads and writes it, keyed by its eight hexadecimal digits. */
  export interface TagObject {
    vr: string;
    Value?: unknown;
    /** The text as it stood in the file, before dcmjs parsed or trimmed it; absent for binary values. */
    _rawValue?: unknown;
  }
  export type TagDict = Record<string, TagObject>;

  export interface DictionaryEntry {
    tag: string;
    vr: string;
    vm: string;
    name: string;
    version: string;
  }

  export interface DicomDict {
    meta: TagDict;
    dict: TagDict;
    write(options?: { allowInvalidVRLength?: boolean; fragmentMultiframe?: boolean }): ArrayBuffer;
  }

  interface DicomMessage {
    readFile(buffer: ArrayBuffer, options?: { ignoreErrors?: boolean; noCopy?: boolean }): DicomDict;
  }

  interface DicomMetaDictionary {
    /** Keyed by tag as "(0010,0020)". */
    dictionary: Record<string, DictionaryEntry | undefined>;
    /** Keyed by keyword. */
    nameMap: Record<string, DictionaryEntry | undefined>;
    naturalizeDataset(dataset: TagDict): Record<string, unknown>;
    denaturalizeDataset(dataset: Record<string, unknown>): TagDict;
    sopClassUIDsByName: Record<string, string | undefined>;
  }

  interface Data {
    /** Of sRGB, each from 0 to 1, as values of the kind of RecommendedDisplayCIELabValue. */
    Colors: { rgb2DICOMLAB(rgb: readonly number[]): number[] };
    DicomDict: new (meta: TagDict) => DicomDict;
    DicomMessage: DicomMessage;
    DicomMetaDictionary: DicomMetaDictionary;
    datasetToDict(dataset: Record<string, unknown>): DicomDict;
    datasetToBuffer(dataset: Record<string, unknown>): Buffer;
  }

  type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  interface Log {
    setLevel(level: LogLevel, persist?: boolean): void;
    getLogger(name: string): Log;
  }

  export const data: Data;
  export const log: Log;
  const dcmjs: { data: Data; log: Log };
  export default dcmjs;
}
