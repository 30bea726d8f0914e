"""Loop IR: the one language between the frontend, the polyhedral stage and the code generators.

Grammar (see `expressions`, `statements` and `kernel` for the exact meaning of each node):

    kernel    ::= name params arrays body assumptions
    array     ::= name dtype extents role layout            -- rank 0 is a scalar variable
    statement ::= Assign(target, value) | For(var, lower, upper, step, body, kind) | If(cond, body, orelse) | Alloc(array)
    expr      ::= Const | Sym | Load | Unary | Binary | Compare | Select | Cast | Call | Reduce | Product
"""
