/** As far as it is used; Node's types leave it to those of browsers. */
declare namespace WebAssembly {
  /** Throws a CompileError when the bytes are no valid module. */
  const Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  const Instance: new (module: object) => { readonly exports: unknown };
}
