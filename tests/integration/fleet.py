"""What tests of slaves share."""


def row_of(cluster, name, *arguments):
    return next((row for row in cluster.rows("slaves", *arguments) if row["name"] == name), None)
