/// How reports look: light or dark as the reader has it, in one column on a telephone.
enum ReportStyle {
    static let text = """
        :root { color-scheme: light dark; --ground: #ffffff; --card: #f5f6f8; --text: #1c1f24; --quiet: #5a626e;
          --line: #d5d9e0; --accent: #0b63c5; --mark: #fff3c9; --c0: #0b63c5; --c1: #c2410c; --c2: #15803d;
          --c3: #7e22ce; --c4: #b91c5c; --c5: #4d5a00; --good: #15803d; --bad: #b3261e; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171c; --card: #1e232b; --text: #e8eaee;
          --quiet: #a5adba; --line: #39414d; --accent: #7db7ff; --mark: #3a3312; --c0: #7db7ff; --c1: #ff9f6b;
          --c2: #6fd48f; --c3: #d0a2ff; --c4: #ff8fb6; --c5: #d3de6a; --good: #6fd48f; --bad: #ff8a80; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--text);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        header, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1rem; }
        h1 { font-size: 1.7rem; line-height: 1.25; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
        h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; overflow-wrap: anywhere; }
        p { margin: .5rem 0; max-width: 46rem; } .quiet, footer { color: var(--quiet); }
        a { color: var(--accent); } code { overflow-wrap: anywhere; }
        .legend, .tiles, .answers { list-style: none; padding: 0; margin: .5rem 0; display: flex;
          flex-wrap: wrap; gap: .25rem 1rem; }
        .tiles { gap: .75rem; } .tiles li { background: var(--card); border-radius: .5rem; padding: .6rem .9rem;
          flex: 1 1 9rem; } .tiles b { display: block; font-size: 1.35rem; }
        .tiles span { color: var(--quiet); font-size: .9rem; }
        .wide { overflow-x: auto; margin: .75rem 0; } .wide:focus-visible, summary:focus-visible, a:focus-visible {
          outline: 2px solid var(--accent); outline-offset: 2px; }
        table { border-collapse: collapse; font-size: .95rem; min-width: 18rem; }
        caption { text-align: left; color: var(--quiet); padding-bottom: .25rem; }
        th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
          vertical-align: top; font-weight: normal; } thead th { font-weight: 600; vertical-align: bottom; }
        .number { white-space: nowrap; font-variant-numeric: tabular-nums; } .marked { background: var(--mark); }
        .bar { display: inline-block; width: 6rem; height: .7rem; background: var(--card); border-radius: .2rem;
          overflow: hidden; } .bar i { display: block; height: 100%; background: var(--c0); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
        figure { margin: .5rem 0; } figcaption { font-weight: 600; font-size: .95rem; }
        figure > svg { width: 100%; height: auto; display: block; } figure.square { max-width: 26rem; }
        svg text { fill: var(--quiet); font-size: 13px; } .grid { stroke: var(--line); }
        .curve { fill: none; stroke-width: 2; } .ideal { stroke: var(--quiet); stroke-dasharray: 5 4; }
        .bin { fill: var(--c0); } .dot { stroke: none; } .legend svg { width: 1.75rem; height: .6rem; }
        .c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
        .c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); } .dot.c0 { fill: var(--c0); } .dot.c1 { fill: var(--c1); }
        .dot.c2 { fill: var(--c2); } .dot.c3 { fill: var(--c3); } .dot.c4 { fill: var(--c4); } .dot.c5 { fill: var(--c5); }
        .mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem; }
        .mistakes article { background: var(--card); border-radius: .5rem; padding: .75rem; }
        .mistakes svg { width: 100%; height: auto; max-height: 20rem; display: block; border-radius: .25rem; }
        .tint { fill: #ff5a00; } .seen { fill: none; stroke: #ff5a00; } .empty { fill: var(--line); }
        .words span { border-radius: .2rem; padding: 0 .15rem; }
        .real { font-weight: 600; } .better { color: var(--good); } .worse { color: var(--bad); }
        details { margin: .5rem 0; } summary { cursor: pointer; color: var(--accent); }
        footer { margin-top: 3rem; padding-bottom: 2rem; font-size: .9rem; }
        @media (max-width: 40rem) { .bar { width: 2.5rem; } }
        @media print { details { display: none; } .wide { overflow: visible; } }
        """
}
