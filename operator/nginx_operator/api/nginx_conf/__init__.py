"""What nginx would say of a configuration, told without nginx: nothing runs, no include is followed, no file is opened.

    judge.py           errors and warnings of a configuration
    findings.py        an error or a warning, with its line; a verdict holds them
    rules.py           what the administrator and the operator's own server demand of it
    listens.py         addresses and ports that servers listen on, and which collide
    includes.py        which files an include may name
    unterminated.py    where a ";" is missing
    directives.py      contexts and argument counts of nginx's own directives, from directives.json
    parser.py          the text as a tree of directives
    lexer.py           the text as tokens, as nginx's ngx_conf_read_token takes it apart

`make directives` writes directives.json from nginx's source.
"""
