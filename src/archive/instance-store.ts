import type { JsonDataset } from './dicom-json.ts';
import { InstanceFiles } from './instance-files.ts';
import type { InstanceHeader, MadeHeader } from './instance-header.ts';
import { InstanceIndex } from './instance-index.ts';
import { INDEXED_TAGS } from './search-attributes.ts';

/** What became of an instance: written; there already, the same; or refused, as another one has its UID. */
export type PutResult = 'stored' | 'same' | 'conflict';

/** Folder and index together. */
export class InstanceStore {
  readonly index = new InstanceIndex();
  readonly files: InstanceFiles;
  /** The latest put under way for each SOP instance UID: puts of one UID go one after the other. */
  readonly #puts = new Map<string, Promise<unknown>>();

  private constructor(files: InstanceFiles) {
    this.files = files;
  }

  static async open(
    folder: string,
    onUnreadable: (file: string, reason: unknown) => void,
  ): Promise<InstanceStore> {
    const store = new InstanceStore(await InstanceFiles.open(folder));
    for await (const header of store.files.headers(onUnreadable)) store.#add(header);
    return store;
  }

  /** @param incoming a received file; it is gone afterwards */
  async put(incoming: string, made: MadeHeader): Promise<PutResult> {
    const { header } = made;
    const before = this.#puts.get(header.sopUid) ?? Promise.resolve();
    const put = before.catch(() => undefined).then(() => this.#putAlone(incoming, made));
    this.#puts.set(header.sopUid, put);
    try {
      return await put;
    } finally {
      if (this.#puts.get(header.sopUid) === put) this.#puts.delete(header.sopUid);
    }
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#puts.values());
  }

  async #putAlone(incoming: string, { header, json }: MadeHeader): Promise<PutResult> {
    const present = this.index.instance(header.sopUid);
    if (present) {
      await this.files.drop(incoming);
      return present.digest === header.digest ? 'same' : 'conflict';
    }
    await this.files.put(incoming, header.sopUid, json);
    this.#add(header);
    return 'stored';
  }

  #add({ dataset, ...header }: InstanceHeader): void {
    const { studyUid, seriesUid, sopUid, sopClassUid, transferSyntaxUid, size, digest } = header;
    const attributes = indexedAttributes(dataset);
    this.index.add({ studyUid, seriesUid, sopUid, sopClassUid, transferSyntaxUid, size, digest, attributes });
  }
}

function indexedAttributes(dataset: JsonDataset): JsonDataset {
  return Object.fromEntries(
    INDEXED_TAGS.flatMap((tag) => {
      const element = dataset[tag];
      return element ? [[tag, element] as const] : [];
    }),
  );
}
